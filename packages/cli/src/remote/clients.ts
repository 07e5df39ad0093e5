import type { ClientInfo } from '@portcullis/client/admin'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { parseJsonObject } from '@portcullis/protocol'
import type { ClientPlace } from '../client-file.ts'
import { placeForClient } from '../client-file.ts'
import { CommandError } from '../command-error.ts'
import { namesIn, readTextFile } from '../given-text.ts'
import { printable } from '../printable.ts'
import { asAdministrator } from './administration.ts'
import { findClient } from './named.ts'
import type { DecisionOptions, RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import type { Revoked, WaitOptions } from './receipts.ts'
import { sayRevoked, withReceipts } from './receipts.ts'
import { say } from './said.ts'
import type { Column } from './table.ts'
import { printJsonList, printTable } from './table.ts'

interface SecretOptions extends RemoteOptions {
  readonly writeTo?: string
}

export interface CreationOptions extends SecretOptions {
  readonly scope?: string
  readonly audience?: string
  readonly grants?: string
  readonly public?: true
  readonly jwks?: string
  readonly description?: string
  readonly reason?: string
}

/** Makes a client. Its secret is written or printed here, and can be read nowhere else. */
export async function runCreate(name: string, options: CreationOptions): Promise<void> {
  const { scope = '', audience = '', description, reason } = options
  const jwks = options.jwks === undefined ? undefined : readJwks(options.jwks)
  const hasSecret = options.public !== true && jwks === undefined
  const defaults = options.public === true ? 'login refresh_token' : 'client_credentials'
  const client = {
    name,
    grants: namesIn(options.grants ?? defaults),
    audiences: namesIn(audience),
    scopes: namesIn(scope),
    ...(options.public === undefined ? {} : { isPublic: options.public }),
    ...(jwks === undefined ? {} : { jwks }),
    ...(description === undefined ? {} : { description }),
    ...(reason === undefined ? {} : { reason }),
  }
  const administrator = readAdministrator(options)
  await withPlace(hasSecret ? placeOf(options) : undefined, async (place) => {
    const { id, secret } = await asAdministrator(administrator, ({ clients }) =>
      clients.create(client),
    )
    tellSecret(place, options, { client_id: id, name }, { name, secret, scope })
  })
}

/** Prints every client of every page. */
export async function runList(options: RemoteOptions): Promise<void> {
  await asAdministrator(readAdministrator(options), ({ clients }) =>
    options.json === true
      ? printJsonList('clients', membersOfAll(clients.list()), process.stdout)
      : printTable(clients.list(), columns, process.stdout),
  )
}

const columns: readonly Column<ClientInfo>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'ORIGIN', of: ({ origin }) => origin },
  { title: 'ENABLED', of: ({ isEnabled }) => isEnabled },
  { title: 'AUTHENTICATION', of: ({ authentication }) => authentication },
  { title: 'GRANTS', of: ({ grants }) => grants },
  { title: 'AUDIENCES', of: ({ audiences }) => audiences },
  { title: 'CLIENT_ID', of: ({ id }) => id },
]

async function* membersOfAll(clients: AsyncIterable<ClientInfo>): AsyncIterable<object> {
  for await (const client of clients) {
    const { id, isEnabled, isPublic, createdAt, secretMadeAt, formerSecretUntil, ...same } = client
    yield {
      client_id: id,
      ...same,
      enabled: isEnabled,
      public: isPublic,
      created_at: createdAt,
      secret_made_at: secretMadeAt,
      former_secret_until: formerSecretUntil,
    }
  }
}

export interface RotationOptions extends DecisionOptions, SecretOptions {
  readonly overlapSeconds?: number
}

/** Gives a client another secret. The one before is good for the overlap, or for nothing any more. */
export async function runRotateSecret(name: string, options: RotationOptions): Promise<void> {
  const { reason, overlapSeconds } = options
  const rotation = { reason, ...(overlapSeconds === undefined ? {} : { overlapSeconds }) }
  const administrator = readAdministrator(options)
  await withPlace(placeOf(options), async (place) => {
    const { client, rotated } = await asAdministrator(administrator, async (administration) => {
      const found = await findClient(administration, name)
      return {
        client: found,
        rotated: await administration.clients.rotateSecret(found.id, rotation),
      }
    })
    const { id, secret, formerSecretUntil, revocation } = rotated
    const members = { client_id: id, former_secret_until: formerSecretUntil, revocation }
    tellSecret(place, options, members, { name, secret, scope: client.scopes.join(' ') })
  })
}

/** Ends every token that the client was given. */
export async function runRevokeTokens(
  name: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const revoked = await decide(name, options, 'revokeTokens')
  await sayRevoked(options, { name }, `every token of ${name} is good for nothing`, revoked)
}

/** Ends its tokens, and gives it no more. */
export async function runDisable(
  name: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const revoked = await decide(name, options, 'disable')
  await sayRevoked(options, { name, enabled: false }, `${name} is disabled`, revoked)
}

/** Lets it ask for tokens again. */
export async function runEnable(name: string, options: DecisionOptions): Promise<void> {
  await asAdministrator(readAdministrator(options), async (administration) => {
    const { id } = await findClient(administration, name)
    await administration.clients.enable(id, { reason: options.reason })
  })
  say(options, { name, enabled: true }, `${name} is enabled`)
}

/** Deletes a client for good. */
export async function runDelete(
  name: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const revoked = await decide(name, options, 'delete')
  await sayRevoked(options, { name, deleted: true }, `${name} is deleted`, revoked)
}

function decide(
  name: string,
  options: DecisionOptions & WaitOptions,
  decision: 'revokeTokens' | 'disable' | 'delete',
): Promise<Revoked> {
  const { reason } = options
  return asAdministrator(readAdministrator(options), async (administration) => {
    const { id } = await findClient(administration, name)
    const revocation = await administration.clients[decision](id, { reason })
    return withReceipts(administration, revocation, options)
  })
}

/** Before anything is made: a secret that is nowhere helps nobody. Undefined: it is told in the answer. */
function placeOf({ writeTo, json }: SecretOptions): ClientPlace | undefined {
  if (writeTo !== undefined) return placeForClient(writeTo)
  if (json === true) return undefined
  const remedy = 'Name a file with --write-to FILE; with --json it is in the answer.'
  throw new CommandError(2, 'there is no place for the secret', remedy)
}

async function withPlace(
  place: ClientPlace | undefined,
  work: (place: ClientPlace | undefined) => Promise<void>,
): Promise<void> {
  try {
    await work(place)
  } catch (error) {
    place?.release()
    throw error
  }
}

interface SecretMembers {
  readonly client_id: string
  readonly name?: string
  readonly former_secret_until?: Date | undefined
  readonly revocation?: RevocationPosition | undefined
}

/** What is written to a file is not printed. */
function tellSecret(
  place: ClientPlace | undefined,
  options: SecretOptions,
  members: SecretMembers,
  told: { readonly name: string; readonly secret: string | undefined; readonly scope: string },
): void {
  const { client_id: id } = members
  const { name, secret, scope } = told
  if (place === undefined || secret === undefined) {
    place?.release()
    const shown = { ...members, client_secret: secret }
    return say(options, shown, `the client ${name} has the id ${printable(id)}`)
  }
  place.keep({ client_id: id, client_secret: secret, scope })
  const sentence = `the secret of the client ${name} (${printable(id)}) is in ${options.writeTo} and nowhere else`
  say(options, members, `${sentence}${fateOfFormer(members)}`)
}

function fateOfFormer({ former_secret_until: until, revocation }: SecretMembers): string {
  if (until !== undefined) return `; the one before is good until ${until.toISOString()}`
  return revocation === undefined
    ? ''
    : '; the ones before have ended, and every token of the client'
}

function readJwks(path: string): object {
  const parsed = parseJsonObject(readTextFile(path), { depthMax: 8 })
  if (parsed.kind === 'object') return parsed.value
  throw new CommandError(2, `${path} is ${parsed.why}`, 'Name a JWK Set of public keys.')
}
