import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { isDeepStrictEqual } from 'node:util'
import type { Actor, Superseded } from '../domain/actors.ts'
import type { EventKind } from '../domain/audit-vocabulary.ts'
import type {
  ClientAdministration,
  ClientChangeOutcome,
  ClientChanges,
  ClientDecision,
  ClientDecisionOutcome,
  ClientFacts,
  NewClientRow,
  NotDecided,
  SecretOutcome,
} from '../domain/client-administration.ts'
import type { DeclarationFault } from '../domain/client-declarations.ts'
import type { ClientDeclaration } from '../domain/registry.ts'
import { factsOf, listByName, selectFacts } from './client-facts.ts'
import { insertClient, revokeClientTokens } from './clients.ts'
import { integer } from './columns.ts'
import type { Database, Query } from './database.ts'
import { isStillActor, superseded } from './decisions.ts'
import { lockStreamsOf, removeStreams } from './event-streams.ts'
import { appendEvent, decidedBy } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'

export function createClientAdministration(
  database: Database,
  transaction: RevokingTransaction,
): ClientAdministration {
  const decide = (
    decision: ClientDecision,
    step: (
      query: Query,
      revoke: Revoke,
      client: ClientFacts,
    ) => Promise<RevocationPosition | undefined>,
    mayDecide: (client: ClientFacts) => boolean = isOfStore,
  ): Promise<ClientDecisionOutcome> =>
    transaction(async (query, revoke): Promise<ClientDecisionOutcome> => {
      const decided = await lockDecided(query, decision, mayDecide)
      if (decided.kind !== 'client') return decided
      return { kind: 'done', position: await step(query, revoke, decided.client) }
    })

  return {
    list: (page) => listByName(database.read, page),
    read: async (id) => {
      const [row] = await database.read(`${selectFacts} WHERE id = $1 AND deleted_at IS NULL`, [id])
      return row === undefined ? undefined : factsOf(row)
    },
    create: (client, decision) => database.transaction((query) => create(query, client, decision)),
    change: (decision, changes, faultsOf) =>
      transaction((query, revoke) => change(query, revoke, { decision, changes, faultsOf })),
    rotateSecret: (decision, secret) =>
      transaction((query, revoke) => rotateSecret(query, revoke, { ...decision, ...secret })),
    revokeTokens: (decision) =>
      decide(
        decision,
        async (query, revoke) => {
          await appendDecision(query, 'client-tokens-revoked', decision)
          return revokeClientTokens(query, revoke, decision.clientId)
        },
        () => true,
      ),
    disable: (decision) =>
      decide(decision, async (query, revoke, { isEnabled }) => {
        if (!isEnabled) return currentPosition(query)
        await query('UPDATE clients SET enabled = 0 WHERE id = $1', [decision.clientId])
        await appendDecision(query, 'client-disabled', decision)
        return revokeClientTokens(query, revoke, decision.clientId)
      }),
    enable: (decision) =>
      decide(decision, async (query, _revoke, { isEnabled }) => {
        if (isEnabled) return undefined
        await query('UPDATE clients SET enabled = 1 WHERE id = $1', [decision.clientId])
        await appendDecision(query, 'client-enabled', decision)
        return undefined
      }),
    delete: (decision) =>
      decide(
        decision,
        async (query, revoke) => {
          await bury(query, decision.clientId)
          const streams = await lockStreamsOf(query, decision.clientId)
          await appendDecision(query, 'client-deleted', decision)
          await removeStreams(query, streams)
          return revokeClientTokens(query, revoke, decision.clientId)
        },
        // One that has left the file would not come back by itself.
        (client) => isOfStore(client) || !client.isEnabled,
      ),
  }
}

function isOfStore({ origin }: ClientFacts): boolean {
  return origin === 'store'
}

async function create(
  query: Query,
  client: NewClientRow,
  { actor, reason }: { readonly actor: Actor; readonly reason?: string | undefined },
): Promise<{ readonly kind: 'created' | 'taken' } | Superseded> {
  if (!(await isStillActor(query, actor))) return superseded
  // Requests may say either, so no name may be somebody's id.
  const [namesake] = await query('SELECT id FROM clients WHERE id = $1', [client.name])
  if (namesake !== undefined || !(await insertClient(query, client, 'store'))) {
    return { kind: 'taken' }
  }
  const { id: clientId } = client
  await appendEvent(query, { kind: 'client-created', clientId, ...decidedBy({ actor, reason }) })
  return { kind: 'created' }
}

interface Change {
  readonly decision: ClientDecision
  readonly changes: ClientChanges
  readonly faultsOf: (client: ClientDeclaration) => readonly DeclarationFault[]
}

/** On the row as it is under its lock, so that of two changes of different members neither is lost. */
async function change(
  query: Query,
  revoke: Revoke,
  { decision, changes, faultsOf }: Change,
): Promise<ClientChangeOutcome> {
  const decided = await lockDecided(query, decision, isOfStore)
  if (decided.kind !== 'client') return decided
  const { client: before } = decided
  const description = changes.description === undefined ? before.description : changes.description
  const after: ClientFacts = { ...before, ...changes, description: description ?? undefined }
  if (changes.keys !== undefined && before.keys.length === 0) return { kind: 'no-keys' }
  const faults = faultsOf(after)
  if (faults.length > 0) return { kind: 'unfit', faults }
  if (isDeepStrictEqual(before, after)) {
    return { kind: 'changed', client: after, position: await currentPosition(query) }
  }
  await query(
    `UPDATE clients SET description = $2, jwks = $3, grants = $4, audiences = $5, scopes = $6 WHERE id = $1`,
    [
      decision.clientId,
      after.description ?? null,
      after.keys.length === 0 ? null : JSON.stringify(after.keys),
      JSON.stringify(after.grants),
      JSON.stringify(after.audiences),
      JSON.stringify(after.scopes),
    ],
  )
  await appendDecision(query, 'client-changed', decision)
  const position = isNarrower(after, before)
    ? await revokeClientTokens(query, revoke, decision.clientId)
    : undefined
  return { kind: 'changed', client: after, position }
}

/** Whether tokens from before may carry what the client may not ask for any more. */
function isNarrower(after: ClientDeclaration, before: ClientDeclaration): boolean {
  const lists = ['grants', 'audiences', 'scopes'] as const
  return lists.some((name) => {
    const kept: ReadonlySet<string> = new Set(after[name])
    return before[name].some((one) => !kept.has(one))
  })
}

async function rotateSecret(
  query: Query,
  revoke: Revoke,
  { hash, overlapMs, ...decision }: ClientDecision & { hash: string; overlapMs: number },
): Promise<SecretOutcome> {
  const decided = await lockDecided(query, decision, isOfStore)
  if (decided.kind !== 'client') return decided
  const { client, now } = decided
  if (client.secretMadeAt === undefined) return { kind: 'no-secret' }
  const { clientId } = decision
  if (overlapMs === 0) {
    await writeSecret(query, clientId, { hash, until: undefined })
    await appendDecision(query, 'client-secret-revoked', decision)
    const position = await revokeClientTokens(query, revoke, clientId)
    return { kind: 'rotated', formerSecretUntil: undefined, position }
  }
  const { formerSecretUntil } = client
  if (formerSecretUntil !== undefined) {
    return { kind: 'too-early', formerSecretUntil, waitMs: formerSecretUntil - now }
  }
  const until = now + overlapMs
  await writeSecret(query, clientId, { hash, until })
  await appendDecision(query, 'client-secret-rotated', decision)
  return { kind: 'rotated', formerSecretUntil: until, position: undefined }
}

/** The present secret becomes the former one, until then; or it is forgotten. */
async function writeSecret(
  query: Query,
  clientId: string,
  { hash, until }: { readonly hash: string; readonly until: number | undefined },
): Promise<void> {
  const former = until === undefined ? 'NULL' : 'secret_hash'
  await query(
    `UPDATE clients SET former_secret_hash = ${former}, former_secret_until = $3, secret_hash = $2,
                        secret_made_at = statement_now()
     WHERE id = $1`,
    [clientId, hash, until ?? null],
  )
}

/** The row stays, so that its id is never given again, and events and sessions go on pointing to it. */
async function bury(query: Query, clientId: string): Promise<void> {
  await query(
    `UPDATE clients SET name = 'deleted ' || id, enabled = 0, description = NULL, secret_hash = NULL,
                        former_secret_hash = NULL, former_secret_until = NULL, jwks = NULL,
                        deleted_at = statement_now()
     WHERE id = $1`,
    [clientId],
  )
}

type Decided =
  { readonly kind: 'client'; readonly client: ClientFacts; readonly now: number } | NotDecided

/** Locks who decides before the client, as the order of locks says. */
async function lockDecided(
  query: Query,
  { clientId, actor }: ClientDecision,
  mayDecide: (client: ClientFacts) => boolean,
): Promise<Decided> {
  if (!(await isStillActor(query, actor))) return superseded
  const [row] = await query(`${selectFacts} WHERE id = $1 AND deleted_at IS NULL FOR UPDATE`, [
    clientId,
  ])
  if (row === undefined) return { kind: 'unknown' }
  const client = factsOf(row)
  if (!mayDecide(client)) return { kind: 'declared' }
  return { kind: 'client', client, now: integer(row, 'read_at') }
}

function appendDecision(
  query: Query,
  kind: Extract<EventKind, `client-${string}`>,
  { clientId, ...decision }: ClientDecision,
): Promise<void> {
  return appendEvent(query, { kind, clientId, ...decidedBy(decision) })
}
