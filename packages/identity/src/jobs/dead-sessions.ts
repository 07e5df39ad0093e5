import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { SessionSweep } from '../domain/sessions.ts'

/** 200 sessions a second, which is more than the logins that two cores can hash. */
const everyMs = 5000

/**
 * Nothing that is decided needs a session that is over. Its refresh tokens are refused whatever they are, and as
 * strangers without its row, since ids are never used again; theft and repeated answers are of live sessions
 * only; its access tokens are in the revocation log or have expired with it. A day is for people: a logout
 * that is tried again finds what it ended, and a clock that was wrong for some hours has removed nothing.
 */
const overMs = 24 * 3_600_000

/** Walks all sessions again and again, and removes those that have long been over. */
export function startRemovingSessions(
  { sweep }: SessionSweep,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  let after = ''
  return takeSteadySteps({
    step: async () => {
      after = (await sweep(after, overMs)) ?? ''
      return undefined
    },
    everyMs,
    trouble: 'sessions that are over cannot be removed; they are good for nothing, and take room',
    recovery: 'sessions that are over are removed again',
    log,
    repeat,
  })
}
