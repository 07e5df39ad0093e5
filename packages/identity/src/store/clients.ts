import type { JsonObject } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Client, ClientStore } from '../domain/clients.ts'
import type { ClientDeclaration } from '../domain/registry.ts'
import { isGrant } from '../domain/registry.ts'
import { integer, list, optionalInteger, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { appendEvent } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { columnsOfMarks, isNotTakenBack } from './revoked-tokens.ts'

export function createClientStore(database: Database): ClientStore {
  return {
    find: async (idOrName, foundBy) => {
      const [row] =
        foundBy === undefined
          ? await database.read(selectEnabled, [idOrName])
          : await database.read(`${selectEnabled} AND ${isNotTakenBack}`, [
              idOrName,
              ...columnsOfMarks(foundBy),
            ])
      return row === undefined ? undefined : clientOf(row)
    },
  }
}

const formerSecretInForce =
  'CASE WHEN former_secret_until > transaction_now() THEN former_secret_hash END'

const selectEnabled = `
  SELECT transaction_now() AS read_at, least(transaction_now(), revocation_head.at) AS vouched_at, clients.id, name, public, secret_hash, jwks, grants, audiences,
         scopes, base + generation AS generation,
         ${formerSecretInForce} AS former_secret_hash
  FROM clients CROSS JOIN revocation_head WHERE enabled = 1 AND (clients.id = $1 OR name = $1)`

/** A client of the operator's file, with the id it gets when the store does not know it yet. */
export interface DeclaredClient extends ClientDeclaration {
  readonly name: string
  readonly newId: string
}

export type SyncOutcome =
  | { readonly kind: 'synchronised' }
  /** The store itself has a client of this name, made by a command and not by the file. */
  | { readonly kind: 'name-taken'; readonly name: string }

/**
 * Makes the store's clients follow the operator's file, in one transaction: new names get an id,
 * known ones the file's current values, and those that left the file are disabled and their tokens
 * taken back.
 */
export function synchroniseClients(
  transaction: RevokingTransaction,
  declared: readonly DeclaredClient[],
): Promise<SyncOutcome> {
  return transaction(async (query, revoke): Promise<SyncOutcome> => {
    // Locked, so that of nodes that start together one follows the other.
    const known = await query(
      'SELECT id, name, origin, enabled FROM clients ORDER BY id FOR UPDATE',
    )
    const kept = known.filter((row) => row['origin'] === 'store')
    const keptNames = new Set(kept.map((row) => text(row, 'name')))
    const taken = declared.find(({ name }) => keptNames.has(name))
    if (taken !== undefined) return { kind: 'name-taken', name: taken.name }

    const names = new Set(declared.map(({ name }) => name))
    const leaving = known.filter(
      (row) => row['origin'] === 'file' && row['enabled'] === 1 && !names.has(text(row, 'name')),
    )
    for (const client of declared) await followDeclaration(query, client)
    const knownNames = new Set(known.map((row) => text(row, 'name')))
    for (const { name, newId } of declared.filter((client) => !knownNames.has(client.name))) {
      const details = { name, origin: 'file' }
      await appendEvent(query, { kind: 'client-created', clientId: newId, details })
    }
    const ids = leaving.map((row) => text(row, 'id'))
    for (const clientId of ids) {
      await disableClient(query, clientId)
      await appendEvent(query, { kind: 'client-disabled', clientId, reason: 'it left the file' })
    }
    for (const id of ids) await revokeClientTokens(query, revoke, id)
    return { kind: 'synchronised' }
  })
}

async function disableClient(query: Query, id: string): Promise<void> {
  await query('UPDATE clients SET enabled = 0 WHERE id = $1', [id])
}

/** Every token of the client from before is good for nothing. To be called last, as all that revokes. */
export async function revokeClientTokens(
  query: Query,
  revoke: Revoke,
  clientId: string,
): Promise<RevocationPosition> {
  const [row] = await query(
    `UPDATE clients SET generation = generation + 1 WHERE id = $1
     RETURNING generation + (SELECT base FROM revocation_head) AS floor`,
    [clientId],
  )
  if (row === undefined) throw new TypeError('a client vanished while it was locked')
  return revoke({ kind: 'client', key: clientId, floor: integer(row, 'floor') })
}

/** A client that the store does not let in with this credential. */
export interface UnfitClient {
  readonly name: string
  readonly why: 'other-credential' | 'deleted'
}

/** Keeps those clients whose name the store does not know yet. Answers those whose credential does not fit. */
export function insertMissingClients(
  database: Database,
  clients: readonly StorableClient[],
): Promise<readonly UnfitClient[]> {
  return database.exclusive(async (query) => {
    const unfit: UnfitClient[] = []
    for (const client of clients) {
      const why = await insertMissingClient(query, client)
      if (why !== undefined) unfit.push({ name: client.name, why })
    }
    return unfit
  })
}

async function insertMissingClient(
  query: Query,
  client: StorableClient,
): Promise<UnfitClient['why'] | undefined> {
  // What was deleted has lost its name and keeps its id, which nobody gets again.
  const [known] = await query(
    `SELECT id, deleted_at, secret_hash, ${formerSecretInForce} AS former_secret_hash FROM clients
     WHERE name = $1 OR id = $2 ORDER BY CASE WHEN name = $1 THEN 0 ELSE 1 END LIMIT 1`,
    [client.name, client.id],
  )
  if (known === undefined) {
    await insertClient(query, client, 'store')
    return
  }
  if (optionalInteger(known, 'deleted_at') !== undefined) return 'deleted'
  const secrets = [optionalText(known, 'secret_hash'), optionalText(known, 'former_secret_hash')]
  const fits = text(known, 'id') === client.id && secrets.includes(client.secretHash)
  return fits ? undefined : 'other-credential'
}

/** What the store keeps of a client, whoever declared it. */
export interface StorableClient extends ClientDeclaration {
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly secretHash?: string | undefined
  /** Public JWKs. */
  readonly keys?: readonly JsonObject[] | undefined
}

/** Keeps a new client. False when there is one of the name, which stays as it is. */
export async function insertClient(
  query: Query,
  client: StorableClient,
  origin: 'file' | 'store',
): Promise<boolean> {
  const inserted = await query(
    `INSERT INTO clients (id, name, origin, enabled, public, description, secret_hash, jwks, grants, audiences,
                          scopes, generation, created_at)
     VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, 0, statement_now())
     ON CONFLICT (name) DO NOTHING
     RETURNING id`,
    [
      client.id,
      client.name,
      origin,
      client.isPublic ? 1 : 0,
      client.description ?? null,
      client.secretHash ?? null,
      client.keys === undefined ? null : JSON.stringify(client.keys),
      JSON.stringify(client.grants),
      JSON.stringify(client.audiences),
      JSON.stringify(client.scopes),
    ],
  )
  return inserted.length === 1
}

/** A client that is known keeps its id and generation, and takes the new wording of the file. */
async function followDeclaration(query: Query, client: DeclaredClient): Promise<void> {
  if (await insertClient(query, { ...client, id: client.newId }, 'file')) return
  await query(
    `UPDATE clients SET enabled = 1, public = $2, secret_hash = NULL, grants = $3, audiences = $4, scopes = $5
     WHERE name = $1`,
    [
      client.name,
      client.isPublic ? 1 : 0,
      JSON.stringify(client.grants),
      JSON.stringify(client.audiences),
      JSON.stringify(client.scopes),
    ],
  )
}

/** Public JWKs, kept as JSON text. */
export function keysOf(row: Row): readonly JsonObject[] {
  const stored = optionalText(row, 'jwks')
  return stored === undefined ? [] : (JSON.parse(stored) as readonly JsonObject[])
}

function clientOf(row: Row): Client {
  return {
    readAt: integer(row, 'read_at'),
    vouchedAt: integer(row, 'vouched_at'),
    id: text(row, 'id'),
    name: text(row, 'name'),
    isPublic: integer(row, 'public') === 1,
    secretHash: optionalText(row, 'secret_hash'),
    formerSecretHash: optionalText(row, 'former_secret_hash'),
    keys: keysOf(row),
    grants: list(row, 'grants').filter(isGrant),
    audiences: list(row, 'audiences'),
    scopes: list(row, 'scopes'),
    generation: integer(row, 'generation'),
  }
}
