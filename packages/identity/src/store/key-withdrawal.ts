import type { KeyWithdrawalOutcome, KeyWithdrawalRequest } from '../domain/key-withdrawal.ts'
import { text } from './columns.ts'
import type { Query, Row } from './database.ts'
import { isStillActor, superseded } from './decisions.ts'
import { appendEvent, decidedBy } from './events.ts'
import { insertKey, synchroniseKids } from './key-rows.ts'
import type { Revoke } from './revocations.ts'

/** A key leaves before its time, in one step with everything that says so. */
export async function withdrawStoredKey(
  query: Query,
  revoke: Revoke,
  { kid, actor, reason, successor }: KeyWithdrawalRequest,
): Promise<KeyWithdrawalOutcome> {
  if (!(await isStillActor(query, actor))) return superseded
  const [found] = await query('SELECT purpose, algorithm, state FROM signing_keys WHERE kid = $1', [
    kid,
  ])
  if (found === undefined) return { kind: 'unknown-key' }
  if (text(found, 'state') === 'destroyed') return { kind: 'gone-before' }
  await appendEvent(query, { kind: 'key-withdrawn', kid, ...decidedBy({ actor, reason }) })
  await query(
    `UPDATE signing_keys SET state = 'destroyed', sealed_private_key = NULL,
            destroyed_at = statement_now(), withdrawn_at = statement_now()
     WHERE kid = $1`,
    [kid],
  )
  await fillPlace(query, found, successor)
  await synchroniseKids(query)
  // Followers fetch the keys of the feed by themselves, and have none of them in their log.
  if (text(found, 'purpose') === 'feed') return { kind: 'withdrawn', position: undefined }
  return { kind: 'withdrawn', position: await revoke({ kind: 'key', key: kid, floor: 0 }) }
}

/** Judged by the state as it is now: another process may have rotated since the successor was made. */
async function fillPlace(
  query: Query,
  gone: Row,
  successor: KeyWithdrawalRequest['successor'],
): Promise<void> {
  const state = text(gone, 'state')
  if (state === 'retiring') return
  // The waiting key signs at once, however young: verifiers that lack it have to fetch it.
  const promoted =
    state === 'active'
      ? await query(
          `UPDATE signing_keys SET state = 'active', activated_at = statement_now()
           WHERE purpose = $1 AND algorithm = $2 AND state = 'pending' RETURNING kid`,
          [text(gone, 'purpose'), text(gone, 'algorithm')],
        )
      : []
  if (successor === undefined) return
  const isSigner = state === 'active' && promoted.length === 0
  await insertKey(query, successor, isSigner ? 'active' : 'pending')
}
