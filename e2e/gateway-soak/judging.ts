import type { Answered, Broken } from './asking.ts'
import type { Scene } from './scene.ts'
import type { HeldToken } from './sessions.ts'
import { stalenessSecondsMax } from './settings-versions.ts'

/** What a verifier lets pass of the clock of the issuer, and a second for the request to get there. */
const leewayMs = 6000
/** All processes have one clock: what protocol.md calls Δ is nothing here but the way to the gateway. */
export const boundMs: number = (stalenessSecondsMax + 1) * 1000

const logMsMax = 1000
const staleDetail = 'nobody has vouched for the token recently'

/** Whether this token may have let in what was asked at that moment. */
export function mayPass({ session, expiresAtMs }: HeldToken, askedAtMs: number): boolean {
  const { endedAtMs } = session
  if (askedAtMs > expiresAtMs + leewayMs) return false
  return endedAtMs === undefined || askedAtMs <= endedAtMs + boundMs
}

/** Whether it may have been refused until then. */
export function mayFail({ session, expiresAtMs }: HeldToken, answeredAtMs: number): boolean {
  const { endingAtMs } = session
  return answeredAtMs >= expiresAtMs || (endingAtMs !== undefined && answeredAtMs >= endingAtMs)
}

export interface Expected {
  /** What it is called when it is counted. */
  readonly kind: string
  /** Undefined where none was shown. */
  readonly token: HeldToken | undefined
  /** Where a token is right, or none is asked for. */
  readonly status: number
  /** Whether the gateway may send it to another service when one breaks off: GET without a body. */
  readonly isRepeatable: boolean
  /** Whether only the first service can answer it. */
  readonly isAlone?: boolean
  /** What does not fit in an answer that has the expected status. */
  readonly mismatch: (answer: Answered) => string | undefined
}

/** Notes an answer: as one of those that must be, as one that a restart explains, or as a wrong one. */
export function judge(scene: Scene, answer: Answered | Broken, expected: Expected): void {
  const { book } = scene
  const { kind, token, status } = expected
  const verdict = verdictOn(scene, answer, expected)
  if (verdict === 'right') {
    book.count(kind)
    const { endedAtMs } = token?.session ?? {}
    if (answer.kind === 'answered' && answer.status === status && endedAtMs !== undefined) {
      const ms = answer.fromMs - endedAtMs
      if (ms > 0) book.lasted('a session was still let in after its end', ms)
    }
  } else if (verdict === 'restart' || verdict === 'standstill') {
    const what = answer.kind === 'broken' ? 'cut' : String(answer.status)
    const when =
      verdict === 'restart' ? 'at a restart of a service' : 'when this machine stood still'
    book.count(`${kind}: ${what} ${when}`)
  } else if (verdict === 'refused') {
    book.count(`${kind}: refused by its token`)
  } else if (verdict === 'stale') {
    book.count(`${kind}: refused when the issuer vouched for nothing`)
  } else {
    const ms = answer.untilMs - answer.fromMs
    const text = `${new Date().toISOString()} ${kind}, after ${ms} ms: ${verdict.wrong}`
    const id = answer.kind === 'answered' ? String(answer.headers['x-request-id']) : ''
    // The log comes by another way, and may come later.
    setTimeout(() => book.fault(`${text} ${book.failures.get(id) ?? ''}`), logMsMax)
  }
}

type Verdict = 'right' | 'stale' | 'restart' | 'standstill' | 'refused' | { readonly wrong: string }

function verdictOn(scene: Scene, answer: Answered | Broken, expected: Expected): Verdict {
  const { token, status, isRepeatable, isAlone = false } = expected
  const [first, second] = scene.services
  const { fromMs, untilMs } = answer
  const wereOut = isAlone
    ? first.wasOut(fromMs, untilMs)
    : first.wasOut(fromMs, untilMs) || second.wasOut(fromMs, untilMs)
  if (answer.kind === 'broken') {
    // What lasts ends with its token.
    if (token !== undefined && mayFail(token, untilMs)) return 'refused'
    if (!wereOut && scene.stoodStill(fromMs, untilMs)) return 'standstill'
    return wereOut ? 'restart' : { wrong: `cut without a reason: ${answer.why}` }
  }
  const said = `${answer.status} ${answer.body.toString('utf8', 0, 300)}`
  if (answer.status === status) {
    if (status < 400 && token !== undefined && !mayPass(token, fromMs)) {
      return { wrong: `let in by a token that is over: ${lifeOf(token, fromMs)}` }
    }
    const mismatch = expected.mismatch(answer)
    return mismatch === undefined ? 'right' : { wrong: `${mismatch}: ${said}` }
  }
  if (answer.status === 401 && token !== undefined && mayFail(token, untilMs)) return 'refused'
  const isStale = answer.status === 401 && said.includes(staleDetail)
  if (isStale && scene.witness.wasSilent(fromMs, untilMs)) return 'stale'
  // A request that can be sent again goes to the service that is there.
  if (answer.status === 502 && wereOut && (!isRepeatable || isAlone)) return 'restart'
  if (answer.status === 502 && scene.stoodStill(fromMs, untilMs)) return 'standstill'
  return { wrong: `${said}${token === undefined ? '' : `; ${lifeOf(token, fromMs)}`}` }
}

function lifeOf({ session, expiresAtMs }: HeldToken, nowMs: number): string {
  const { endingAtMs, endedAtMs } = session
  const since = (ms: number | undefined): string =>
    ms === undefined ? 'never' : `${nowMs - ms} ms ago`
  return `expired ${since(expiresAtMs)}, its end asked for ${since(endingAtMs)} and over ${since(endedAtMs)}`
}
