import type { ClientFacts, ClientList, ClientPage } from '../domain/client-administration.ts'
import { isGrant } from '../domain/registry.ts'
import { keysOf } from './clients.ts'
import { createConditions } from './conditions.ts'
import { integer, list, optionalInteger, optionalText, text } from './columns.ts'
import type { Query, Row } from './database.ts'

export const selectFacts = 'SELECT clients.*, statement_now() AS read_at FROM clients'

/** One that was deleted is in no list. */
export async function listByName(
  query: Query,
  { limit, after = '', name }: ClientPage,
): Promise<ClientList> {
  const conditions = createConditions()
  conditions.add('name > ?', after)
  if (name !== undefined) conditions.add('name = ?', name)
  const rows = await query(
    `${selectFacts} WHERE deleted_at IS NULL AND ${conditions.text()}
     ORDER BY name LIMIT ${conditions.place(limit + 1)}`,
    conditions.values(),
  )
  const clients = rows.slice(0, limit).map(factsOf)
  return { clients, next: rows.length > limit ? clients.at(-1)?.name : undefined }
}

export function factsOf(row: Row): ClientFacts {
  const createdAt = integer(row, 'created_at')
  const until = optionalInteger(row, 'former_secret_until') ?? 0
  const hasSecret = optionalText(row, 'secret_hash') !== undefined
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    description: optionalText(row, 'description'),
    origin: text(row, 'origin') === 'file' ? 'file' : 'store',
    isEnabled: integer(row, 'enabled') === 1,
    isPublic: integer(row, 'public') === 1,
    keys: keysOf(row),
    grants: list(row, 'grants').filter(isGrant),
    audiences: list(row, 'audiences'),
    scopes: list(row, 'scopes'),
    createdAt,
    secretMadeAt: hasSecret ? (optionalInteger(row, 'secret_made_at') ?? createdAt) : undefined,
    formerSecretUntil: until > integer(row, 'read_at') ? until : undefined,
  }
}
