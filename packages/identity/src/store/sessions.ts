import type { SessionStore } from '../domain/sessions.ts'
import type { Database } from './database.ts'

export function createSessionStore(database: Database): SessionStore {
  return {
    insert: async (session) => {
      await database.query(
        `INSERT INTO sessions
           (id, account_id, client_id, audiences, generation, authenticated_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [
          session.id,
          session.accountId,
          session.clientId,
          JSON.stringify(session.audiences),
          session.generation,
          session.authenticatedAt,
          session.expiresAt,
        ],
      )
    },
  }
}
