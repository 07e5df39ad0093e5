import type { StorableClient } from './clients.ts'
import { insertClient } from './clients.ts'
import { text } from './columns.ts'
import type { Database } from './database.ts'
import { appendEvent } from './events.ts'

export interface FirstAccount {
  readonly id: string
  readonly identifier: string
  /** Where its mail goes. */
  readonly email?: string | undefined
  readonly passwordHash: string
  readonly roles: readonly string[]
}

export type BootstrapOutcome =
  | { readonly kind: 'bootstrapped' }
  | { readonly kind: 'not-empty' }
  /** A client of this name came from the operator's file. */
  | { readonly kind: 'name-taken'; readonly name: string }

/** Fills a store that has no accounts yet, all or nothing; of two callers at once one finds it filled. */
export function bootstrapStore(
  database: Database,
  first: {
    readonly accounts: readonly FirstAccount[]
    readonly clients: readonly StorableClient[]
  },
): Promise<BootstrapOutcome> {
  return database.exclusive(async (query): Promise<BootstrapOutcome> => {
    const existing = await query('SELECT id FROM accounts LIMIT 1')
    if (existing.length > 0) return { kind: 'not-empty' }
    const takenNames = new Set(
      (await query('SELECT name FROM clients')).map((row) => text(row, 'name')),
    )
    const taken = first.clients.find(({ name }) => takenNames.has(name))
    if (taken !== undefined) return { kind: 'name-taken', name: taken.name }
    for (const account of first.accounts) {
      await query(
        `INSERT INTO accounts (id, identifier, email, password_hash, roles, generation, created_at)
         VALUES ($1, $2, $3, $4, $5, 0, statement_now())`,
        [
          account.id,
          account.identifier,
          account.email ?? null,
          account.passwordHash,
          JSON.stringify(account.roles),
        ],
      )
    }
    for (const client of first.clients) await insertClient(query, client, 'store')
    const accounts = first.accounts.map(({ id }) => id)
    const details = { accounts, clients: first.clients.map(({ id }) => id) }
    await appendEvent(query, { kind: 'store-bootstrapped', details })
    return { kind: 'bootstrapped' }
  })
}
