/** What an account is in the histories: as little as decides every verdict. */
export interface AccountModel {
  readonly id: string
  readonly identifier: string
  password: string
  generation: number
  isBlocked: boolean
}

export interface SessionModel {
  readonly id: string
  readonly account: AccountModel
  generation: number
  /** Every refresh token that was issued; the place is its counter, and the last one is current. */
  readonly refreshTokens: string[]
  rotatedAt: number | undefined
  idleSince: number
  readonly startedAt: number
  isEnded: boolean
}

const graceMs = 30_000
const dayMs = 24 * 3_600_000

export function isLiveIn(session: SessionModel, nowMs: number): boolean {
  const { account, isEnded, generation, idleSince, startedAt } = session
  if (isEnded || account.isBlocked || generation < account.generation) return false
  return nowMs - idleSince < 14 * dayMs && nowMs - startedAt < 90 * dayMs
}

/** What a genuine refresh token is worth, and what its use does to the session. */
export function present(
  session: SessionModel,
  counter: number,
  nowMs: number,
): 'rotated' | 'repeated' | 'refused' {
  if (!isLiveIn(session, nowMs)) return 'refused'
  const current = session.refreshTokens.length - 1
  const isInWindow =
    session.rotatedAt !== undefined && Math.abs(nowMs - session.rotatedAt) < graceMs
  if (isInWindow && counter >= current - 1) return 'repeated'
  if (counter < current) {
    session.isEnded = true
    return 'refused'
  }
  session.rotatedAt = nowMs
  session.idleSince = nowMs
  return 'rotated'
}
