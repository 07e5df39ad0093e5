import type { JsonObject } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Actor, Superseded } from './actors.ts'
import type { DeclarationFault } from './client-declarations.ts'
import { declarationFaults } from './client-declarations.ts'
import { hashClientSecret } from './clients.ts'
import type { RandomBytes } from './random.ts'
import { randomIdentifier, randomSecret } from './random.ts'
import type { ClientDeclaration, Registry } from './registry.ts'

/** All that is known about a client, except for what it authenticates with. */
export interface ClientFacts extends ClientDeclaration {
  readonly id: string
  readonly name: string
  readonly description: string | undefined
  /** `file`: the operator's settings say what it is, at each start. */
  readonly origin: 'file' | 'store'
  readonly isEnabled: boolean
  /** Public JWKs; none when it has a secret, or is public. */
  readonly keys: readonly JsonObject[]
  readonly createdAt: number
  /** Undefined without a secret. */
  readonly secretMadeAt: number | undefined
  /** Until when the secret before is good as well; undefined when it is not. */
  readonly formerSecretUntil: number | undefined
}

export interface ClientPage {
  readonly limit: number
  /** The name that the page before ends with. */
  readonly after?: string | undefined
  /** Only the one that is called so. */
  readonly name?: string | undefined
}

export interface ClientList {
  readonly clients: readonly ClientFacts[]
  readonly next?: string | undefined
}

export interface NewClientRow extends ClientDeclaration {
  readonly id: string
  readonly name: string
  readonly description: string | undefined
  readonly secretHash: string | undefined
  readonly keys: readonly JsonObject[] | undefined
}

/** Who decides something about a client, and why. */
export interface ClientDecision {
  readonly clientId: string
  readonly actor: Actor
  readonly reason: string
}

/** What is named is changed, and the rest stays as it is by then. */
export type ClientChanges = Partial<Pick<ClientDeclaration, 'grants' | 'audiences' | 'scopes'>> & {
  /** Null takes it away. */
  readonly description?: string | null
  readonly keys?: readonly JsonObject[]
}

/** `declared`: the client is from the operator's file, and this is for the file to say. */
export type NotDecided = { readonly kind: 'unknown' } | { readonly kind: 'declared' } | Superseded

interface Position {
  /** Undefined when nothing was taken back; the present one when it is asked again. */
  readonly position: RevocationPosition | undefined
}

export type ClientChangeOutcome =
  | ({ readonly kind: 'changed'; readonly client: ClientFacts } & Position)
  | { readonly kind: 'unfit'; readonly faults: readonly DeclarationFault[] }
  /** It has no keys that could be replaced. */
  | { readonly kind: 'no-keys' }
  | NotDecided

export type SecretOutcome =
  | ({ readonly kind: 'rotated'; readonly formerSecretUntil: number | undefined } & Position)
  /** Two are good already, and whoever uses the older one would be cut off by a third. */
  | { readonly kind: 'too-early'; readonly formerSecretUntil: number; readonly waitMs: number }
  | { readonly kind: 'no-secret' }
  | NotDecided

export type ClientDecisionOutcome = ({ readonly kind: 'done' } & Position) | NotDecided

/**
 * What becomes of clients. Each change is atomic with its event, and with its record where it revokes, and is refused as
 * `superseded` when whoever decided may not do so any more by then.
 */
export interface ClientAdministration {
  /** In the order of their names. */
  readonly list: (page: ClientPage) => Promise<ClientList>
  readonly read: (id: string) => Promise<ClientFacts | undefined>
  readonly create: (
    client: NewClientRow,
    decision: Pick<ClientDecision, 'actor'> & { readonly reason?: string | undefined },
  ) => Promise<{ readonly kind: 'created' | 'taken' } | Superseded>
  /** `faultsOf` judges the client as it would be; with any, nothing is changed. What is taken away is in no token. */
  readonly change: (
    decision: ClientDecision,
    changes: ClientChanges,
    faultsOf: (client: ClientDeclaration) => readonly DeclarationFault[],
  ) => Promise<ClientChangeOutcome>
  /** With an overlap of 0 the secrets before, and the tokens of the client, are good for nothing at once. */
  readonly rotateSecret: (
    decision: ClientDecision,
    secret: { readonly hash: string; readonly overlapMs: number },
  ) => Promise<SecretOutcome>
  readonly revokeTokens: (decision: ClientDecision) => Promise<ClientDecisionOutcome>
  readonly disable: (decision: ClientDecision) => Promise<ClientDecisionOutcome>
  readonly enable: (decision: ClientDecision) => Promise<ClientDecisionOutcome>
  /** For good: its sessions and tokens are over, its name is free, and its id is never given again. */
  readonly delete: (decision: ClientDecision) => Promise<ClientDecisionOutcome>
}

export interface ClientCreationParts {
  readonly registry: Registry
  readonly clientAdministration: Pick<ClientAdministration, 'create' | 'rotateSecret'>
  readonly randomBytes: RandomBytes
}

export interface ClientCreation extends ClientDeclaration {
  readonly name: string
  readonly description?: string | undefined
  /** Public JWKs to authenticate by, in place of a secret. */
  readonly keys: readonly JsonObject[] | undefined
  readonly actor: Actor
  readonly reason?: string | undefined
}

export type ClientCreationOutcome =
  /** The secret is nowhere else; there is none of a client that is public or has keys. */
  | { readonly kind: 'created'; readonly id: string; readonly secret: string | undefined }
  | { readonly kind: 'taken' }
  | { readonly kind: 'unfit'; readonly faults: readonly DeclarationFault[] }
  | Superseded

/** Makes a client with an id, and where it needs one a secret, of our own choice. */
export async function createClient(
  { registry, clientAdministration, randomBytes }: ClientCreationParts,
  { actor, reason, description, ...client }: ClientCreation,
): Promise<ClientCreationOutcome> {
  const faults = declarationFaults(registry, client)
  if (faults.length > 0) return { kind: 'unfit', faults }
  const id = randomIdentifier(randomBytes)
  const hasSecret = !client.isPublic && client.keys === undefined
  const secret = hasSecret ? randomSecret(randomBytes) : undefined
  const secretHash = secret === undefined ? undefined : hashClientSecret(secret)
  const row = { ...client, id, description, secretHash }
  const outcome = await clientAdministration.create(row, { actor, reason })
  if (outcome.kind === 'superseded') return outcome
  return outcome.kind === 'created' ? { kind: 'created', id, secret } : { kind: 'taken' }
}

/** Gives a client another secret, of our own choice; the one before stays good for the overlap. */
export async function rotateClientSecret(
  { clientAdministration, randomBytes }: ClientCreationParts,
  decision: ClientDecision,
  overlapSeconds: number,
): Promise<
  | (Extract<SecretOutcome, { readonly kind: 'rotated' }> & { readonly secret: string })
  | Exclude<SecretOutcome, { readonly kind: 'rotated' }>
> {
  const secret = randomSecret(randomBytes)
  const made = { hash: hashClientSecret(secret), overlapMs: overlapSeconds * 1000 }
  const outcome = await clientAdministration.rotateSecret(decision, made)
  return outcome.kind === 'rotated' ? { ...outcome, secret } : outcome
}
