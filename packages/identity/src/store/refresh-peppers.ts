import type { CheckedPeppers, PepperClaim, PepperInUse, PepperStore } from '../domain/pepper-use.ts'
import { pepperLifeMs } from '../domain/pepper-use.ts'
import { integer, text } from './columns.ts'
import type { Database, Query } from './database.ts'

export function createPepperStore(database: Database): PepperStore {
  return {
    check: (claim) => checkPeppers(database.read, claim),
    claim: (claim) => database.exclusive((query) => claimPepper(query, claim)),
    renew: (claim) => noteUse(database.write, claim),
  }
}

async function checkPeppers(query: Query, { ids, givenUp }: PepperClaim): Promise<CheckedPeppers> {
  const accepted = new Set<string | undefined>([...ids, givenUp])
  return { lost: (await peppersInUse(query)).filter(({ id }) => !accepted.has(id)) }
}

async function claimPepper(query: Query, claim: PepperClaim): Promise<CheckedPeppers> {
  const checked = await checkPeppers(query, claim)
  if (checked.lost.length > 0) return checked
  const { ids, givenUp } = claim
  if (givenUp !== undefined && !ids.includes(givenUp)) {
    await query('DELETE FROM refresh_peppers WHERE id = $1', [givenUp])
  }
  await query('DELETE FROM refresh_peppers WHERE alive_until <= statement_now()')
  await noteUse(query, claim)
  return checked
}

/** None while nobody is signed in: then there is nobody to be signed out. */
async function peppersInUse(query: Query): Promise<readonly PepperInUse[]> {
  const rows = await query(
    `SELECT id, alive_until FROM refresh_peppers
     WHERE alive_until > statement_now() AND EXISTS (
       SELECT 1 FROM sessions
       WHERE ended_at IS NULL AND expires_at > statement_now() AND idle_expires_at > statement_now())
     ORDER BY id`,
  )
  return rows.map((row) => ({ id: text(row, 'id'), aliveUntil: integer(row, 'alive_until') }))
}

async function noteUse(query: Query, claim: PepperClaim): Promise<void> {
  await query(
    `INSERT INTO refresh_peppers (id, alive_until)
     VALUES ($1, statement_now() + CAST($2 AS bigint))
     ON CONFLICT (id) DO UPDATE
     SET alive_until = greatest(refresh_peppers.alive_until, excluded.alive_until)`,
    [claim.ids[0], pepperLifeMs(claim)],
  )
}
