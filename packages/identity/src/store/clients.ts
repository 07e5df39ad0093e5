import type { Client, ClientStore } from '../domain/clients.ts'
import type { ClientDeclaration } from '../domain/registry.ts'
import { isGrant } from '../domain/registry.ts'
import { integer, list, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'

export function createClientStore(database: Database): ClientStore {
  return {
    find: async (idOrName) => {
      const [row] = await database.read(
        `SELECT transaction_now() AS read_at, clients.id, name, public, secret_hash, grants, audiences, scopes,
                base + generation AS generation
         FROM clients CROSS JOIN revocation_head WHERE enabled = 1 AND (clients.id = $1 OR name = $1)`,
        [idOrName],
      )
      return row === undefined ? undefined : clientOf(row)
    },
  }
}

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
    for (const client of declared)
      await insertClient(query, { ...client, id: client.newId }, 'file')
    for (const row of leaving) await disableClient(query, revoke, text(row, 'id'))
    return { kind: 'synchronised' }
  })
}

async function disableClient(query: Query, revoke: Revoke, id: string): Promise<void> {
  const [row] = await query(
    `UPDATE clients SET enabled = 0, generation = generation + 1 WHERE id = $1
     RETURNING generation + (SELECT base FROM revocation_head) AS floor`,
    [id],
  )
  if (row !== undefined) await revoke({ kind: 'client', key: id, floor: integer(row, 'floor') })
}

/**
 * Keeps those clients whose name the store does not know yet. Answers the names that it knows by
 * another id.
 */
export function insertMissingClients(
  database: Database,
  clients: readonly StorableClient[],
): Promise<readonly string[]> {
  return database.exclusive(async (query) => {
    const others: string[] = []
    for (const client of clients) {
      const [known] = await query('SELECT id FROM clients WHERE name = $1', [client.name])
      if (known === undefined) await insertClient(query, client, 'store')
      else if (text(known, 'id') !== client.id) others.push(client.name)
    }
    return others
  })
}

/** What the store keeps of a client, whoever declared it. */
export interface StorableClient extends ClientDeclaration {
  readonly id: string
  readonly name: string
  readonly secretHash?: string
}

/** Keeps a client; one of the same name keeps its id and generation and takes the new wording. */
export async function insertClient(
  query: Query,
  client: StorableClient,
  origin: 'file' | 'store',
): Promise<void> {
  await query(
    `INSERT INTO clients (id, name, origin, enabled, public, secret_hash, grants, audiences, scopes,
                          generation, created_at)
     VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, 0, statement_now())
     ON CONFLICT (name) DO UPDATE SET
       enabled = 1, public = excluded.public, secret_hash = excluded.secret_hash,
       grants = excluded.grants, audiences = excluded.audiences, scopes = excluded.scopes`,
    [
      client.id,
      client.name,
      origin,
      client.isPublic ? 1 : 0,
      client.secretHash ?? null,
      JSON.stringify(client.grants),
      JSON.stringify(client.audiences),
      JSON.stringify(client.scopes),
    ],
  )
}

function clientOf(row: Row): Client {
  return {
    readAt: integer(row, 'read_at'),
    id: text(row, 'id'),
    name: text(row, 'name'),
    isPublic: integer(row, 'public') === 1,
    secretHash: optionalText(row, 'secret_hash'),
    grants: list(row, 'grants').filter(isGrant),
    audiences: list(row, 'audiences'),
    scopes: list(row, 'scopes'),
    generation: integer(row, 'generation'),
  }
}
