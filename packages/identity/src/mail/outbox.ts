import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import type { MailJob, Post } from '../domain/mail-requests.ts'
import type { Mail, Mailer } from '../domain/mails.ts'
import type { Allowance } from './network-allowance.ts'

export interface OutboxOptions {
  readonly mailer: Mailer
  readonly log: Pick<Log, 'warn' | 'error'>
  readonly allowance: Allowance
  /** Resolves after so many milliseconds, or when the signal says that nobody waits any more. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface Outbox {
  readonly post: Post
  /** Sends what is under way, and gives up what waits to be tried again. */
  readonly close: () => Promise<void>
}

/** Mails that are not sent yet, those that wait for another try included. */
const waitingMax = 1000
const sendingMax = 4
/**
 * A mail is prepared when the answer is long out, and at no certain moment: what the store is asked for then,
 * which is more for an account that exists, shows neither in that answer nor in the next one.
 */
const holdBackMs = { min: 50, max: 500 }
/** A server that does not answer must not hold up the end of the process. */
const closeMsMax = 5000
/** A server that restarts is back in a minute; one that greylists (RFC 6647) wants about five. */
const retryMs: readonly number[] = [1000, 10_000, 60_000, 360_000]

/**
 * Sends mail behind the answers. It is kept in memory alone, because the tokens in it are nowhere else: what is
 * not sent when the process ends is asked for again. Neither address nor token is ever logged.
 */
export function createOutbox({ mailer, log, allowance, wait = waitFor }: OutboxOptions): Outbox {
  const stop = new AbortController()
  const underWay = new Set<Promise<void>>()
  const turns = createTurnstile(sendingMax)

  const sendAtLast = async (job: MailJob): Promise<void> => {
    await wait(randomInt(holdBackMs.min, holdBackMs.max), stop.signal)
    let mail: Mail | undefined
    for (let failures = 0; ; failures += 1) {
      try {
        await turns(async () => {
          mail ??= await job()
          if (mail !== undefined) await mailer.send(mail)
        })
        return
      } catch (error) {
        const pauseMs = isFinal(error) ? undefined : retryMs[failures]
        if (pauseMs === undefined || stop.signal.aborted) {
          log.error({ failures: failures + 1, ...factsOf(error) }, 'a mail could not be sent')
          return
        }
        await wait(pauseMs, stop.signal)
      }
    }
  }
  return {
    post: (job, network) => {
      if (stop.signal.aborted || (network !== undefined && !allowance(network))) return
      if (underWay.size >= waitingMax) {
        log.warn({ waitingMax }, 'a mail was dropped: too many wait')
        return
      }
      const over = sendAtLast(job).finally(() => underWay.delete(over))
      underWay.add(over)
    },
    close: async () => {
      stop.abort()
      await Promise.race([Promise.all(underWay), waitFor(closeMsMax)])
    },
  }
}

/** Lets so many through at once; the others wait in line. */
function createTurnstile(
  runningMax: number,
): <Result>(job: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (job) => {
    if (running >= runningMax) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await job()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
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
async function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  await pause(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined)
}
