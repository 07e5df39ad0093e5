import { randomBytes } from 'node:crypto'
import type { RefusalReason, RevocationPosition } from '@portcullis/protocol/revocations'
import { formatPosition } from '@portcullis/protocol/revocations'
import type { JsonObject } from '@portcullis/protocol'
import type { Timers } from '../timers.ts'
import { pause } from '../timers.ts'
import { parseDocument, readAtMost } from '../issuer/http-json.ts'
import { version } from '../version.ts'
import { createDeadline } from './deadline.ts'
import type { RequestFeed } from './feed-requests.ts'
import type { Freshness } from './freshness.ts'

/**
 * Tells the issuer how far this follower has come, so that whoever revokes can know when it is everywhere.
 * Nothing depends on it: where it fails it is tried again later, and nobody is told.
 */
export interface PositionReports {
  /** What is applied now; called at every checkpoint. Undefined while that is no place of the log. */
  readonly note: (position: RevocationPosition | undefined) => void
  /** Counts a token that was refused, until the issuer has been told how many there were. */
  readonly refused: (reason: RefusalReason) => void
  /** Reports until it is closed; more calls change nothing. */
  readonly start: () => void
  /** Says that this follower has ended, where the issuer is quick to hear it. */
  readonly close: () => Promise<void>
}

export interface PositionReportsOptions {
  readonly request: RequestFeed
  readonly timers: Timers
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** For how long the service goes on without the feed; undefined for one that does not stop. */
  readonly maxStalenessMs: number | undefined
  /** What follows, for the operator of the issuer. */
  readonly software: string
  readonly freshness: Pick<Freshness, 'ageMs'>
  readonly signal: AbortSignal
}

interface Held {
  readonly position: string
  /** By the monotonic clock. */
  readonly appliedMs: number
}

/** How the issuer wants a fleet to spread its reports. */
interface Pace {
  readonly spreadMs: number
  readonly everyMs: number
  /** The issuer wants to hear what this is, what was refused, and what time it is here; those of older releases do not. */
  readonly isCounted: boolean
}

/** However much is revoked; what is reported later still says when it was applied. */
const spacingMsMin = 1_000
/** Before the issuer has said otherwise. */
const everyMsDefault = 10_000
const everyMsMax = 60_000
/** As far as the issuer believes it. */
const agoMsMax = 3_600_000
const reportMsMax = 3_000
const farewellMsMax = 500
const answerBytesMax = 1_024

const followerIdBytes = 16

export function createPositionReports(options: PositionReportsOptions): PositionReports {
  const { timers, signal } = options
  const sender = createReportSender(options)
  let held: Held | undefined
  let reported: string | undefined
  let isRunning = false
  let wake: (() => void) | undefined

  const waitForNews = (): Promise<void> =>
    new Promise((resolve) => {
      const cancel = timers.schedule(resolve, sender.pace().everyMs)
      wake = () => {
        cancel()
        resolve()
      }
    })

  async function run(): Promise<void> {
    let isOwed = false
    while (!signal.aborted) {
      if (!isOwed && (held === undefined || held.position === reported)) await waitForNews()
      await pause(timers, timers.random() * sender.pace().spreadMs, signal)
      if (held === undefined || signal.aborted) continue
      const told = held
      const isTold = await sender.report(told)
      if (isTold) reported = told.position
      isOwed = !isTold
      // What could not be told waits: the issuer has other worries then.
      await pause(timers, isTold ? spacingMsMin : sender.pace().everyMs, signal)
    }
  }

  return {
    note: (at) => {
      const position = at && formatPosition(at)
      if (position === undefined || position === held?.position) return
      held = { position, appliedMs: timers.monotonic() }
      wake?.()
    },
    refused: sender.refused,
    start: () => {
      if (isRunning) return
      isRunning = true
      void run()
    },
    close: async () => {
      wake?.()
      if (reported !== undefined) await sender.leave(reported)
    },
  }
}

interface ReportSender {
  /** True when the issuer has taken it. */
  readonly report: (held: Held) => Promise<boolean>
  readonly leave: (position: string) => Promise<unknown>
  readonly pace: () => Pace
  readonly refused: PositionReports['refused']
}

function createReportSender(options: PositionReportsOptions): ReportSender {
  const { request, timers, now, maxStalenessMs, software, freshness, signal } = options
  const follower = randomBytes(followerIdBytes).toString('base64url')
  let pace: Pace = { spreadMs: 0, everyMs: everyMsDefault, isCounted: false }
  const counts = new Map<RefusalReason, number>()
  const count = (reason: RefusalReason, by: number): unknown =>
    counts.set(reason, (counts.get(reason) ?? 0) + by)

  async function send(members: object, msMax: number, parent: AbortSignal): Promise<boolean> {
    const deadline = createDeadline(parent, { idleMs: msMax }, 'answer to a report', timers)
    try {
      const response = await request({
        addressIn: (feed) => feed.positions,
        accept: 'application/json',
        signal: deadline.signal,
        json: { follower, ...members },
      })
      if ('kind' in response) return false
      const bytes = await readAtMost(response, answerBytesMax)
      if (response.status !== 200 || bytes === undefined) {
        // It may come from a node of an earlier release.
        pace = { ...pace, isCounted: false }
        return false
      }
      pace = paceOf(parseDocument(bytes)) ?? pace
      return true
    } catch {
      return false
    } finally {
      deadline.clear()
    }
  }

  return {
    refused: (reason) => count(reason, 1),
    report: async ({ position, appliedMs }) => {
      const told = pace.isCounted ? [...counts] : []
      const members = {
        position,
        applied_ms_ago: within(timers.monotonic() - appliedMs, 0, agoMsMax),
        max_staleness_seconds: maxStalenessMs && maxStalenessMs / 1000,
        ...(pace.isCounted && {
          clock: now(),
          refused: Object.fromEntries(told),
          software,
          version,
          checkpoint_ms_ago: within(freshness.ageMs(), 0, agoMsMax),
        }),
      }
      const isTaken = await send(members, reportMsMax, signal)
      // What was refused meanwhile is for the next report.
      if (isTaken) for (const [reason, times] of told) count(reason, -times)
      return isTaken
    },
    // The signal of the rest is aborted by then.
    leave: (position) =>
      send({ position, ended: true }, farewellMsMax, new AbortController().signal),
    pace: () => pace,
  }
}

function paceOf(answer: JsonObject | undefined): Pace | undefined {
  const { spread_ms: spreadMs, every_ms: everyMs, counted } = answer ?? {}
  if (typeof spreadMs !== 'number' || typeof everyMs !== 'number') return undefined
  const isCounted = counted === true
  return { spreadMs: within(spreadMs, 0), everyMs: within(everyMs, spacingMsMin), isCounted }
}

function within(ms: number, least: number, most = everyMsMax): number {
  return Math.floor(Math.min(Math.max(ms, least), most))
}
