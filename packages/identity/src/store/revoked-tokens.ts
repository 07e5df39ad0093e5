import type { TooOften } from '../domain/sessions.ts'
import { endingPace } from '../domain/sessions.ts'
import type { TokenMarks } from '../domain/token-marks.ts'
import type { RevokedTokens, TokenRevocation, TokenRevoked } from '../domain/token-revocation.ts'
import { clientRevocationPace } from '../domain/token-revocation.ts'
import type { Query } from './database.ts'
import { appendEvent } from './events.ts'
import { spend } from './pace.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { textOfFingerprint } from './revocation-rows.ts'
import { currentPosition } from './revocations.ts'

/** A condition for statements about whoever holds a token; its parameters are those of `columnsOfMarks`. */
export const isNotTakenBack = 'NOT EXISTS (SELECT 1 FROM revocations WHERE fingerprint IN ($2, $3))'

/** For a key that is not known there stands what no fingerprint is. */
export function columnsOfMarks({ token, key }: TokenMarks): readonly [string, string] {
  return [textOfFingerprint(token), key === undefined ? '' : textOfFingerprint(key)]
}

export async function isTakenBack(query: Query, marks: TokenMarks): Promise<boolean> {
  const rows = await query(
    'SELECT seq FROM revocations WHERE fingerprint IN ($1, $2) LIMIT 1',
    columnsOfMarks(marks),
  )
  return rows.length === 1
}

export function createRevokedTokens(transaction: RevokingTransaction): RevokedTokens {
  return {
    revoke: (revocation) => transaction((query, revoke) => revokeToken(query, revoke, revocation)),
  }
}

async function revokeToken(
  query: Query,
  revoke: Revoke,
  revocation: TokenRevocation,
): Promise<TokenRevoked | TooOften> {
  const { tokenId, marks, session, clientId, paidBy } = revocation
  await lockHolder(query, revocation)
  // Seen by whoever comes second, because both have waited for the same row.
  if (await isTakenBack(query, { token: marks.token })) {
    return { kind: 'revoked', position: await currentPosition(query) }
  }
  const tooOften =
    paidBy === 'account' && session !== undefined
      ? await countOfAccount(query, session.accountId)
      : await countRevocation(query, clientId)
  if (tooOften !== undefined) return tooOften
  const person =
    session === undefined ? {} : { accountId: session.accountId, sessionId: session.id }
  await appendEvent(query, { kind: 'token-revoked', clientId, actor: clientId, ...person })
  const position = await revoke({ kind: 'token', key: tokenId, floor: 0 })
  return { kind: 'revoked', position }
}

/**
 * Decisions that somebody takes by a token of the session wait, or have been taken (`lockCaller`). Of those who
 * revoke the same token, one comes after the other.
 */
async function lockHolder(
  query: Query,
  { session, clientId }: Pick<TokenRevocation, 'session' | 'clientId'>,
): Promise<void> {
  if (session === undefined) {
    await query('SELECT id FROM clients WHERE id = $1 FOR UPDATE', [clientId])
    return
  }
  await query('SELECT id FROM accounts WHERE id = $1 FOR UPDATE', [session.accountId])
  await query('SELECT id FROM sessions WHERE id = $1 FOR UPDATE', [session.id])
}

/** Not what the account pays the ends of its sessions from: a thief must not be able to use that up. */
function countOfAccount(query: Query, id: string): Promise<TooOften | undefined> {
  const place = { table: 'accounts', column: 'revocations_paid_until', id } as const
  return spend(query, place, endingPace)
}

function countRevocation(query: Query, clientId: string): Promise<TooOften | undefined> {
  const place = { table: 'clients', column: 'revocations_paid_until', id: clientId } as const
  return spend(query, place, clientRevocationPace)
}
