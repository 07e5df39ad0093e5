import type { Account, AccountStore } from '../domain/accounts.ts'
import { integer, list, text } from './columns.ts'
import type { Database, Row } from './database.ts'

export function createAccountStore(database: Database): AccountStore {
  return {
    findByIdentifier: async (identifier) => {
      const [row] = await database.query(
        'SELECT id, identifier, password_hash, roles, generation FROM accounts WHERE identifier = $1',
        [identifier],
      )
      return row === undefined ? undefined : accountOf(row)
    },
  }
}

function accountOf(row: Row): Account {
  return {
    id: text(row, 'id'),
    identifier: text(row, 'identifier'),
    passwordHash: text(row, 'password_hash'),
    roles: list(row, 'roles'),
    generation: integer(row, 'generation'),
  }
}
