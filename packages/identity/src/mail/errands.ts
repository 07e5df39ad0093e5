import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import type { MailJob } from '../domain/mail-requests.ts'
import type { Mail, Mailer } from '../domain/mails.ts'
import type { Asker } from '../domain/turnstile.ts'
import { createTurnstile } from '../domain/turnstile.ts'
import type { Place, WaitingPlaces } from './waiting-places.ts'

export interface ErrandOptions {
  readonly mailer: Mailer
  readonly log: Pick<Log, 'warn' | 'error'>
  readonly places: WaitingPlaces
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  /** Nobody waits any more. */
  readonly stop: AbortSignal
}

/** The ways of a mail from its cause to the server. Neither ever rejects. */
export interface Errands {
  /** For people who have shown who they are; frees the place at its end. */
  readonly send: (job: MailJob, place: Place) => Promise<void>
  /** For strangers. `lookedUp` is called when it is known whether there is a mail. */
  readonly lookUpAndSend: (job: MailJob, lookedUp: () => void) => Promise<void>
}

/** How many are looked up at once, and how many are sent. */
const atOnceMax = 4
/**
 * A mail is prepared when the answer is long out, and at no certain moment: what the store is asked for then,
 * which is more for an account that exists, shows neither in that answer nor in the next one.
 */
const holdBackMs = { min: 50, max: 500 }
/** A server that restarts is back in a minute; one that greylists (RFC 6647) wants about five. */
const retryMs: readonly number[] = [1000, 10_000, 60_000, 360_000]

interface Placed {
  readonly mail: Mail
  readonly place: Place
}

export function createErrands(options: ErrandOptions): Errands {
  const { mailer, log, places, wait, stop } = options
  const lookUps = createTurnstile(atOnceMax)
  const sendings = createTurnstile(atOnceMax)
  const persist = createPersistence(options)
  const heldBack = (): Promise<void> => wait(randomInt(holdBackMs.min, holdBackMs.max), stop)

  const deliver = async (asker: Asker, { mail, place }: Placed): Promise<void> => {
    await persist(() => sendings.pass(asker, () => mailer.send(mail)))
    place.free()
  }
  /** With a place before it is looked up: a link that is dropped would count for the pace. */
  const placed = async (job: MailJob): Promise<Placed | undefined> => {
    const place = places.take('strangers')
    if (place === undefined) {
      warnDropped(log)
      return undefined
    }
    let mail: Mail | undefined
    try {
      mail = await job()
    } finally {
      if (mail === undefined) place.free()
    }
    return mail && { mail, place }
  }
  return {
    send: async (job, place) => {
      await heldBack()
      const mail = await persist(() => lookUps.pass('known', job))
      if (mail === undefined) place.free()
      else await deliver('known', { mail, place })
    },
    lookUpAndSend: async (job, lookedUp) => {
      await heldBack()
      const found = await persist(() => lookUps.pass('strangers', () => placed(job)))
      lookedUp()
      if (found !== undefined) await deliver('strangers', found)
    },
  }
}

export function warnDropped(log: Pick<Log, 'warn'>): void {
  log.warn('a mail was dropped: too many wait')
}

/** Tries again at growing pauses; undefined when it is given up, which the log says. */
function createPersistence({
  log,
  wait,
  stop,
}: Pick<ErrandOptions, 'log' | 'wait' | 'stop'>): <Result>(
  step: () => Promise<Result>,
) => Promise<Result | undefined> {
  return async (step) => {
    for (let failures = 0; ; failures += 1) {
      try {
        return await step()
      } catch (error) {
        const pauseMs = isFinal(error) ? undefined : retryMs[failures]
        if (pauseMs === undefined || stop.aborted) {
          log.error({ failures: failures + 1, ...factsOf(error) }, 'a mail could not be sent')
          return undefined
        }
        await wait(pauseMs, stop)
      }
    }
  }
}

/** RFC 5321 section 4.2.1: 5yz is for good. */
function isFinal(error: unknown): boolean {
  const { responseCode } = factsOf(error)
  return responseCode !== undefined && responseCode >= 500
}

/** Codes only: what a server says often repeats the address. */
function factsOf(error: unknown): { readonly code?: string; readonly responseCode?: number } {
  if (!(error instanceof Error)) return {}
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return 'responseCode' in error && typeof error.responseCode === 'number'
    ? { code, responseCode: error.responseCode }
    : { code }
}

/** A timer of the platform lets go of the signal when it is over, which outlives thousands of mails. */
export async function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  await pause(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined)
}
