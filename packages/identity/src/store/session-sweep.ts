import type { SessionSweep } from '../domain/sessions.ts'
import { text } from './columns.ts'
import type { Database } from './database.ts'

/** How many sessions a sweep looks at: a few milliseconds. */
const sweptMax = 1000

/**
 * The table is walked by its key, so that being over needs no index of its own, which every refresh would have to
 * keep. Rows that somebody else has locked are left for the next time: a sweep waits for nobody.
 */
export function createSessionSweep(database: Database): SessionSweep {
  return {
    sweep: async (after, overMs) => {
      const [last] = await database.read(
        `SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT 1 OFFSET ${sweptMax - 1}`,
        [after],
      )
      await database.write(markEnded, [after])
      await database.write(remove, [after, overMs])
      return last === undefined ? undefined : text(last, 'id')
    },
  }
}

const swept = `SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT ${sweptMax}`

/** A floor that was passed is never lowered. When that was nobody knows, so their time begins now. */
const markEnded = `
  UPDATE sessions SET ended_at = statement_now()
  WHERE id IN (SELECT sessions.id
               FROM sessions JOIN accounts ON accounts.id = account_id CROSS JOIN revocation_head
               WHERE sessions.id IN (${swept}) AND ended_at IS NULL
                 AND sessions.generation < base + login_floor
               FOR UPDATE OF sessions SKIP LOCKED)`

const remove = `
  DELETE FROM sessions
  WHERE id IN (SELECT id FROM sessions
               WHERE id IN (${swept})
                 AND least(coalesce(ended_at, expires_at), idle_expires_at, expires_at) <= statement_now() - $2
               FOR UPDATE SKIP LOCKED)`
