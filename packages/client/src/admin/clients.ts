import type { JsonObject, RevocationPosition } from '@portcullis/protocol'
import { parseList, parseText, parseTime, present } from '../answer-members.ts'
import { requireMembers } from '../closed-options.ts'
import { parseRevocationPosition } from '../revocation-position.ts'
import type { ClientInfo } from './client-info.ts'
import { parseClientInfo } from './client-info.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin, Reason } from './requests.ts'
import { pathOf, readAnswer, readPosition, reasonIn } from './requests.ts'

/** What a client may do: of the file's audiences and scopes. */
interface ClientMembers {
  /** `login`, `refresh_token`, `client_credentials`, `token_exchange`. */
  readonly grants: readonly string[]
  readonly audiences: readonly string[]
  /** What it may ask for as itself; people's come from their roles. */
  readonly scopes: readonly string[]
  /** Public keys by which it authenticates, as a JWK Set. */
  readonly jwks: object
}

export interface NewClient extends Partial<ClientMembers> {
  readonly grants: readonly string[]
  readonly name: string
  /** Without a secret, for programs that could not keep one. Default false. */
  readonly isPublic?: boolean
  readonly description?: string
  readonly reason?: string
}

/** What is not named stays. */
export interface ClientChange extends Reason, Partial<ClientMembers> {
  /** null takes it away. */
  readonly description?: string | null
}

export interface ChangedClient extends ClientInfo {
  /** None where nothing was taken from it. */
  readonly revocation?: RevocationPosition
}

export interface SecretRotation extends Reason {
  /** How long both are good. Default a day; 0, after a leak, ends the old one and every token at once. */
  readonly overlapSeconds?: number
}

export interface MadeClient {
  readonly id: string
  readonly name: string
  /** Shown here alone. Absent for a client that is public or has keys. */
  readonly secret?: string
}

export interface RotatedSecret {
  readonly id: string
  /** Shown here alone. */
  readonly secret: string
  /** Until when the one before is good; absent when it is not any more. */
  readonly formerSecretUntil?: Date
  /** None while the one before is good. */
  readonly revocation?: RevocationPosition
}

export interface ClientPageOptions extends PageOptions {
  /** Only the one that is called so. */
  readonly name?: string
}

export interface ClientAdministration {
  /** Every client by name; asks for pages as they are needed. */
  readonly list: () => AsyncIterable<ClientInfo>
  readonly page: (page?: ClientPageOptions) => Promise<Page<ClientInfo>>
  readonly get: (id: string) => Promise<ClientInfo>
  readonly create: (client: NewClient) => Promise<MadeClient>
  readonly change: (id: string, change: ClientChange) => Promise<ChangedClient>
  readonly rotateSecret: (id: string, rotation: SecretRotation) => Promise<RotatedSecret>
  readonly revokeTokens: (id: string, decision: Reason) => Promise<RevocationPosition>
  /** Ends its tokens, and gives it no more. */
  readonly disable: (id: string, decision: Reason) => Promise<RevocationPosition>
  readonly enable: (id: string, decision: Reason) => Promise<void>
  /** For good; the name is free then. */
  readonly delete: (id: string, decision: Reason) => Promise<RevocationPosition>
}

const base = '/admin/clients'

export function administerClients(ask: AskAdmin): ClientAdministration {
  const page = async (options: ClientPageOptions = {}): Promise<Page<ClientInfo>> => {
    const { name, ...place } = options
    requirePage(place)
    const path = `${base}${queryOf({ name }, place)}`
    return readAnswer(await ask({ method: 'GET', path }), (body) => {
      const items = parseList(body['clients'], parseClientInfo)
      return items && { items, ...present({ next: parseText(body['next']) }) }
    })
  }
  const decide =
    (method: 'POST' | 'DELETE', rest: string) =>
    async (id: string, decision: Reason): Promise<RevocationPosition> =>
      readPosition(await ask({ method, path: pathOf(base, id, rest), json: reasonIn(decision) }))
  return Object.freeze({
    list: () => everyItem(page),
    page,
    get: async (id) =>
      readAnswer(await ask({ method: 'GET', path: pathOf(base, id) }), parseClientInfo),
    create: (client) => create(ask, client),
    change: (id, change) => changeClient(ask, id, change),
    rotateSecret: (id, rotation) => rotateSecret(ask, id, rotation),
    revokeTokens: decide('POST', '/revoke-tokens'),
    disable: decide('POST', '/disable'),
    enable: async (id, decision) => {
      await ask({ method: 'POST', path: pathOf(base, id, '/enable'), json: reasonIn(decision) })
    },
    delete: decide('DELETE', ''),
  } satisfies ClientAdministration)
}

const members = ['grants', 'audiences', 'scopes', 'jwks', 'description', 'reason']

async function create(ask: AskAdmin, client: NewClient): Promise<MadeClient> {
  requireMembers(client, 'the client', ['name', 'isPublic', ...members])
  const { isPublic, ...others } = client
  const json = { ...others, public: isPublic }
  const answer = await ask({ method: 'POST', path: base, json })
  return readAnswer(answer, (body) => {
    const [id, name] = [parseText(body['client_id']), parseText(body['name'])]
    if (id === undefined || name === undefined) return undefined
    return { id, name, ...present({ secret: parseText(body['client_secret']) }) }
  })
}

async function changeClient(
  ask: AskAdmin,
  id: string,
  change: ClientChange,
): Promise<ChangedClient> {
  requireMembers(change, 'the change', members)
  const answer = await ask({ method: 'PATCH', path: pathOf(base, id), json: { ...change } })
  const revocation = parseRevocationPosition(answer)
  return { ...readAnswer(answer, parseClientInfo), ...present({ revocation }) }
}

async function rotateSecret(
  ask: AskAdmin,
  id: string,
  rotation: SecretRotation,
): Promise<RotatedSecret> {
  requireMembers(rotation, 'the rotation', ['overlapSeconds', 'reason'])
  const { overlapSeconds, reason } = rotation
  const json = { reason, overlap_seconds: overlapSeconds }
  const answer = await ask({ method: 'POST', path: pathOf(base, id, '/rotate-secret'), json })
  const revocation = parseRevocationPosition(answer)
  return readAnswer(answer, (body) => parseRotatedSecret(body, revocation))
}

function parseRotatedSecret(
  body: JsonObject,
  revocation: RevocationPosition | undefined,
): RotatedSecret | undefined {
  const [id, secret] = [parseText(body['client_id']), parseText(body['client_secret'])]
  if (id === undefined || secret === undefined) return undefined
  const formerSecretUntil = parseTime(body['former_secret_until'])
  return { id, secret, ...present({ formerSecretUntil, revocation }) }
}
