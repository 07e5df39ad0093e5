import type { TokenWatch } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'

/** Why an answer is ended before its end: what its token would be answered now, or its time is up. */
export type Ending = VerifyError | 'too-long'

export interface LongAnswer {
  /** Watches the token that let the request in; undefined where none was judged. */
  readonly watch: (() => TokenWatch) | undefined
  /** How long it may take; undefined for as long as it takes. */
  readonly totalSecondsMax: number | undefined
  /** False: not yet, ask again. */
  readonly end: (why: Ending) => boolean
}

export interface FollowedAnswer {
  /** The answer is known to last: its token is watched from now on. */
  readonly begin: () => void
  /** The answer is over. */
  readonly stop: () => void
}

export interface LongAnswers {
  readonly follow: (answer: LongAnswer) => FollowedAnswer
  readonly close: () => void
}

/**
 * Ends answers that outlive their token, or the time that anything may take. Most answers are over within
 * milliseconds and must not pay for that: each is put into a set and taken out again. Whoever stands there for a
 * whole turn is watched from then on, so a token is looked at again after one to two turns, and then as soon as
 * something is known about it (see `verifier.watch`).
 */
export function createLongAnswers(): LongAnswers {
  let young = new Set<Followed>()
  let grown = new Set<Followed>()
  const long = new Set<Followed>()

  const grow = (): void => {
    for (const followed of grown) beginWatch(followed)
    ;[grown, young] = [young, new Set()]
    const nowMs = performance.now()
    for (const followed of long) {
      if (nowMs < followed.endsMs) continue
      long.delete(followed)
      followed.answer.end('too-long')
    }
  }
  // A turn more or less at the end of the process is nothing to wait for.
  const timer = setInterval(grow, turnMs).unref()

  function beginWatch(followed: Followed): void {
    // It is over, or long already.
    if (!young.delete(followed) && !grown.delete(followed)) return
    long.add(followed)
    const watch = followed.answer.watch?.()
    if (watch === undefined) return
    followed.watch = watch
    const end = (): void => {
      const isOver = followed.answer.end(reasonOf(watch))
      // Not while the sets are walked through: what is put back now grows in the next turn.
      if (!isOver && long.delete(followed)) young.add(followed)
    }
    if (watch.signal.aborted) end()
    else watch.signal.addEventListener('abort', end, { once: true })
  }

  return {
    follow: (answer) => {
      if (answer.watch === undefined && answer.totalSecondsMax === undefined) return nothing
      const followed: Followed = { answer, endsMs: endOf(answer), watch: undefined }
      young.add(followed)
      return {
        begin: () => beginWatch(followed),
        stop: () => {
          young.delete(followed)
          grown.delete(followed)
          long.delete(followed)
          followed.watch?.close()
        },
      }
    },
    close: () => clearInterval(timer),
  }
}

const turnMs = 1000

interface Followed {
  readonly answer: LongAnswer
  /** By `performance.now()`. */
  readonly endsMs: number
  watch: TokenWatch | undefined
}

const nothing: FollowedAnswer = { begin: () => undefined, stop: () => undefined }

function endOf({ totalSecondsMax }: LongAnswer): number {
  return totalSecondsMax === undefined ? Infinity : performance.now() + totalSecondsMax * 1000
}

function reasonOf({ signal }: TokenWatch): VerifyError {
  const reason: unknown = signal.reason
  if (reason instanceof VerifyError) return reason
  throw new TypeError('a watch has ended without a reason')
}
