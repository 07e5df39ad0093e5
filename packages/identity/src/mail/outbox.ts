import type { Log } from '@portcullis/runtime'
import type { MailBusy, MailJob, Post } from '../domain/mail-requests.ts'
import type { Mailer } from '../domain/mails.ts'
import { createErrands, waitFor, warnDropped } from './errands.ts'
import { createWaitingPlaces } from './waiting-places.ts'

export interface OutboxOptions {
  readonly mailer: Mailer
  readonly log: Pick<Log, 'warn' | 'error'>
  /**
   * Whether one more is fine from this network: it spares the operator's mail server and good name, while mailboxes
   * are protected by what the store keeps of each.
   */
  readonly allowance: (network: string) => boolean
  /** Resolves after so many milliseconds, or when the signal says that nobody waits any more. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface Outbox {
  readonly post: Post
  /** Sends what is under way, and gives up what waits to be tried again. */
  readonly close: () => Promise<void>
}

/** Mails that are not sent yet, those that wait for another try included; of strangers half as many. */
const waitingMax = 1000
/**
 * What strangers ask for and nobody has looked up yet. Apart from the mails, because most of a flood is about
 * names that nobody has, and what it asks for takes a place only when it is to become a mail.
 */
const lookUpsMax = 1000
/** A server that does not answer must not hold up the end of the process. */
const closeMsMax = 5000
/** When all places are taken, the server does not answer, and most of what waits is tried again in this time. */
const mailBusy: MailBusy = { kind: 'mail-busy', retryAfterSeconds: 60 }

/**
 * Sends mail behind the answers. It is kept in memory alone, because the tokens in it are nowhere else: what is
 * not sent when the process ends is asked for again. Neither address nor token is ever logged.
 */
export function createOutbox({ mailer, log, allowance, wait = waitFor }: OutboxOptions): Outbox {
  const stop = new AbortController()
  const underWay = new Set<Promise<void>>()
  const places = createWaitingPlaces(waitingMax)
  const errands = createErrands({ mailer, log, places, wait, stop: stop.signal })
  let lookUps = 0
  const start = (errand: Promise<void>): void => {
    const over = errand.finally(() => underWay.delete(over))
    underWay.add(over)
  }
  const post: Post = {
    lookUp: (job, network) => {
      if (stop.signal.aborted || !allowance(network)) return
      if (lookUps >= lookUpsMax) {
        warnDropped(log)
        return
      }
      lookUps += 1
      start(
        errands.lookUpAndSend(job, () => {
          lookUps -= 1
        }),
      )
    },
    send: (job, network) => {
      if (stop.signal.aborted || (network !== undefined && !allowance(network))) return undefined
      const place = places.take('known')
      if (place === undefined) {
        warnDropped(log)
        return mailBusy
      }
      start(errands.send(job, place))
      return undefined
    },
    withPlace: async (act) => {
      const place = stop.signal.aborted ? undefined : places.take('known')
      if (place === undefined) return mailBusy
      let job: MailJob | undefined
      try {
        return await act((given) => {
          job = given
        })
      } finally {
        if (job === undefined) place.free()
        else start(errands.send(job, place))
      }
    },
  }
  return {
    post,
    close: async () => {
      stop.abort()
      await Promise.race([Promise.all(underWay), waitFor(closeMsMax)])
    },
  }
}
