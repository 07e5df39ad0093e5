import type { AskIssuer, IssuerAnswer, IssuerRequest, LostAnswer } from './issuer-request.ts'
import { isLost } from './issuer-request.ts'

/** When the tries of one request start, each counted from the end of the one before. */
export interface Pace {
  readonly tries: readonly { readonly afterMs: number; readonly timeoutMs: number }[]
  /** A busy issuer that wants a longer pause gets it from the caller, and no further try. */
  readonly pauseMsMax: number
  readonly sleep: (ms: number) => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
}

/** Some 15 s at the very worst, well inside the issuer's grace window of 30 s. */
export const defaultPace: Pace = {
  tries: [
    { afterMs: 0, timeoutMs: 2_500 },
    { afterMs: 250, timeoutMs: 2_500 },
    { afterMs: 500, timeoutMs: 2_500 },
    { afterMs: 1_000, timeoutMs: 4_000 },
  ],
  pauseMsMax: 2_000,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
}

/**
 * Sends a request that may be sent again until its answer is there. The last answer counts, lost or
 * not. Pauses are spread from half to one and a half, so that many clients do not come back at once.
 */
export async function askUntilAnswered(
  ask: AskIssuer,
  request: Omit<IssuerRequest, 'timeoutMs'>,
  { tries, pauseMsMax, sleep, random }: Pace,
): Promise<IssuerAnswer | LostAnswer> {
  let answer: IssuerAnswer | LostAnswer = { kind: 'lost', why: 'it was not asked' }
  for (const { afterMs, timeoutMs } of tries) {
    const pauseMs = Math.max(afterMs * (0.5 + random()), wishedPauseMs(answer))
    if (pauseMs > pauseMsMax) return answer
    if (pauseMs > 0) await sleep(pauseMs)
    answer = await ask({ ...request, timeoutMs })
    if (!isWorthAnotherTry(answer)) return answer
  }
  return answer
}

/** Too many requests (RFC 6585 section 4) is over in a moment, as an outage is. */
export function isWorthAnotherTry(answer: IssuerAnswer | LostAnswer): boolean {
  if (answer.kind === 'lost' || isLost(answer)) return true
  // A page instead of JSON comes from something that stands between.
  return answer.status === 429 || (answer.status === 200 && answer.body === undefined)
}

function wishedPauseMs(answer: IssuerAnswer | LostAnswer): number {
  return answer.kind === 'lost' ? 0 : (answer.retryAfterSeconds ?? 0) * 1000
}
