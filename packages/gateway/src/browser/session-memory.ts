import { createHash } from 'node:crypto'
import type { HeldToken } from './access-tokens.ts'
import { isAlive } from './access-tokens.ts'
import type { IssuedCookie } from './refresh-cookie.ts'

/** A refresh token by what it is kept under: nobody who reads this memory finds one that lives. */
export interface CurrentCookie {
  readonly hash: string
  readonly token: string
  /** Set where it is not the one that the browser has shown: the answer is to carry it. */
  readonly issued: IssuedCookie | undefined
}

/** What this process knows about the sessions of browsers. All of it can be forgotten: identity is asked again then. */
export interface SessionMemory {
  /** The cookie that a browser has shown, or its successor where that was handed out just now. */
  readonly currentOf: (token: string) => CurrentCookie
  readonly tokenFor: (hash: string, audience: string) => HeldToken | undefined
  /** When the session is over if nothing happens, in milliseconds since 1970. */
  readonly endOf: (hash: string) => number | undefined
  /** Identity has answered with this token and cookie, in exchange for the cookie of that hash where there was one. */
  readonly keep: (kept: KeptAnswer, exchanged?: string) => void
  /** Identity calls it good for nothing. */
  readonly noteEnd: (hash: string) => void
  readonly isOver: (hash: string) => boolean
  /** Identity gives the session no token for this audience. */
  readonly noteRefusal: (hash: string, audience: string) => void
  readonly isRefused: (hash: string, audience: string) => boolean
  readonly forget: (token: string) => void
  readonly isForgotten: (token: string) => boolean
  readonly size: () => number
  /** Drops what has expired. */
  readonly sweep: () => void
}

export interface KeptAnswer {
  readonly cookie: IssuedCookie
  readonly audience: string
  readonly held: HeldToken
}

interface KnownSession {
  readonly tokens: ReadonlyMap<string, HeldToken>
  readonly endsAtMs: number
}

/**
 * Requests that were under way with a cookie when it was exchanged go on with its successor. Shorter than the grace
 * window of identity, which decides about everything later.
 */
const successorMs = 10_000
/** A page that goes on with what identity has refused costs it one question in this time. */
const overMs = 10_000
/** Answers that were under way with a session when its browser left it end within that time. */
const forgottenMs = 600_000

/** `sessionsMax`: of each kind; those learned first are forgotten for new ones. */
export function createSessionMemory(sessionsMax: number, now: () => number): SessionMemory {
  const sessions = new Map<string, KnownSession>()
  const successors = new Map<string, { readonly cookie: IssuedCookie; readonly untilMs: number }>()
  const over = new Map<string, number>()
  const forgotten = new Map<string, number>()

  const currentOf = (presented: string): CurrentCookie => {
    let token = presented
    let hash = hashOf(token)
    let issued: IssuedCookie | undefined
    for (let hops = 0; hops < hopsMax; hops += 1) {
      const successor = successors.get(hash)
      if (successor === undefined || successor.untilMs <= now()) break
      issued = successor.cookie
      ;({ token } = issued)
      hash = hashOf(token)
    }
    return { hash, token, issued }
  }

  return {
    currentOf,
    tokenFor: (hash, audience) => sessions.get(hash)?.tokens.get(audience),
    endOf: (hash) => sessions.get(hash)?.endsAtMs,
    keep: ({ cookie, audience, held }, exchanged) => {
      const hash = hashOf(cookie.token)
      const known = sessions.get(hash) ?? sessions.get(exchanged ?? hash)
      const tokens = new Map(known?.tokens).set(audience, held)
      sessions.delete(hash)
      put(sessions, hash, { tokens, endsAtMs: now() + cookie.maxAgeSeconds * 1000 })
      if (exchanged === undefined || exchanged === hash) return
      sessions.delete(exchanged)
      put(successors, exchanged, { cookie, untilMs: now() + successorMs })
    },
    noteEnd: (hash) => {
      sessions.delete(hash)
      put(over, hash, now() + overMs)
    },
    isOver: (hash) => (over.get(hash) ?? 0) > now(),
    noteRefusal: (hash, audience) => put(over, `${hash} ${audience}`, now() + overMs),
    isRefused: (hash, audience) => (over.get(`${hash} ${audience}`) ?? 0) > now(),
    forget: (token) => {
      for (const hash of [currentOf(token).hash, hashOf(token)]) {
        sessions.delete(hash)
        put(forgotten, hash, now() + forgottenMs)
      }
    },
    isForgotten: (token) => (forgotten.get(hashOf(token)) ?? 0) > now(),
    size: () => sessions.size,
    sweep: () => {
      const nowMs = now()
      for (const [hash, { tokens }] of sessions) {
        if (![...tokens.values()].some((held) => isAlive(held, nowMs))) sessions.delete(hash)
      }
      for (const [hash, { untilMs }] of successors) if (untilMs <= nowMs) successors.delete(hash)
      for (const times of [over, forgotten]) {
        for (const [hash, untilMs] of times) if (untilMs <= nowMs) times.delete(hash)
      }
    },
  }

  function put<Value>(map: Map<string, Value>, hash: string, value: Value): void {
    map.set(hash, value)
    const [oldest] = map.keys()
    if (map.size > sessionsMax && oldest !== undefined) map.delete(oldest)
  }
}

/** More successors than this within seconds are nobody's. */
const hopsMax = 4

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
