import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { beginsAt } from './clock.ts'

/** A token as the ledger knows it, whatever is in it. */
export interface KnownToken {
  readonly text: string
  readonly kid: string
  readonly jti: string
  readonly expiresAtMs: number
  readonly clientId: string
  /** The least that it names, of account, client and whoever acts. */
  readonly leastGeneration: number
  readonly sessionId?: string | undefined
  readonly accountId?: string | undefined
  /** Whoever acts in it. */
  readonly actorId?: string | undefined
  /** True time before anything was read for it, and when it was answered. */
  readonly askedAt: number
  readonly answeredAt: number
  /** By a thief of the key, with what he likes in it. */
  readonly isForged: boolean
}

/** Something that is taken back. */
export interface TakeBack {
  readonly kind: 'session' | 'account' | 'client' | 'token' | 'key' | 'all'
  readonly key: string
  readonly startedAt: number
  /** Nothing of it takes effect later. */
  endedAt: number
  /** When somebody was told that it is so; undefined before, and for ever when nobody was. */
  acknowledgedAt: number | undefined
  /** The highest that the store's clock had shown by then. */
  issuerHighMs: number
  position: RevocationPosition | undefined
}

/** Kinds that say nothing about what is minted later. */
const floors: ReadonlySet<TakeBack['kind']> = new Set(['account', 'client', 'all'])

/** Generations of a new epoch go by the store's clock: so many a second, and so far ahead of it (ADR 0006). */
const generationsPerSecond = 2 ** 20
const baseAheadMs = 10_000
/** Nothing is promised of a base that a clock took that was further ahead of the one that comes after it. */
const clocksApartMsMax = 5_000

/** True when the promise is that this token is dead by this, once it was acknowledged. */
export function surelyTakes(one: TakeBack, token: KnownToken): boolean {
  if (!isOf(one, token)) return false
  if (one.kind === 'all' && isOfClockAhead(token)) return false
  return !floors.has(one.kind) || token.answeredAt < one.startedAt
}

/**
 * True when the epoch that it is of was begun by a clock that was wrong. Lost with a backup, such an epoch can stand
 * above the one that a right clock begins afterwards.
 */
function isOfClockAhead({ isForged, leastGeneration, answeredAt }: KnownToken): boolean {
  const begunByMs = (leastGeneration / generationsPerSecond) * 1000 - baseAheadMs
  return !isForged && begunByMs > beginsAt + answeredAt + clocksApartMsMax
}

/** True when the token may be dead by this at that moment. */
export function mayTake(one: TakeBack, token: KnownToken, at: number): boolean {
  if (!isOf(one, token) || one.startedAt > at) return false
  return !floors.has(one.kind) || token.askedAt <= one.endedAt
}

function isOf({ kind, key }: TakeBack, token: KnownToken): boolean {
  switch (kind) {
    case 'session':
      return token.sessionId === key
    case 'account':
      return token.accountId === key
    case 'client':
      return token.clientId === key || token.actorId === key
    case 'token':
      return token.jti === key
    case 'key':
      return token.kid === key
    case 'all':
      return true
  }
}
