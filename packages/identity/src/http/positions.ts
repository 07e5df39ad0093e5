import { isRefusalReason, parsePosition } from '@portcullis/protocol/revocations'
import type { FollowerStore, PositionReport } from '../domain/followers.ts'
import { maxStalenessMsMax } from '../domain/followers.ts'
import { reportPace } from '../domain/report-pace.ts'
import type { Notice, Sighting } from '../domain/anomalies/sightings.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendBusy, sendThrottled, sendUnfit } from './problems.ts'
import type { ReportLimits } from './reporting-followers.ts'
import { createReportingFollowers } from './reporting-followers.ts'
import type { HttpServer } from './server.ts'

export interface PositionsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly followers: Pick<FollowerStore, 'report' | 'leave'>
  readonly limits?: ReportLimits
  readonly notice?: Notice
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const followerId = { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' } as const
const positionText = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]{22}:(0|[1-9][0-9]{0,14})$',
} as const
const stalenessSeconds = { type: 'integer', minimum: 3, maximum: maxStalenessMsMax / 1000 } as const

const reportBody = {
  type: 'object',
  required: ['follower', 'position'],
  additionalProperties: false,
  properties: {
    follower: followerId,
    position: positionText,
    applied_ms_ago: { type: 'integer', minimum: 0, maximum: 3_600_000 },
    max_staleness_seconds: stalenessSeconds,
    ended: { type: 'boolean' },
    // Those of releases before this one send none of these.
    software: { type: 'string', pattern: '^[a-z0-9-]{1,32}$' },
    version: { type: 'string', pattern: '^[0-9A-Za-z.+-]{1,32}$' },
    checkpoint_ms_ago: { type: 'integer', minimum: 0, maximum: 3_600_000 },
    clock: { type: 'integer', minimum: 0, maximum: 9_007_199_254_740_991 },
    refused: {
      type: 'object',
      maxProperties: 40,
      propertyNames: { pattern: '^[a-z][a-z-]{0,39}$' },
      additionalProperties: { type: 'integer', minimum: 0, maximum: 1_000_000_000 },
    },
  },
} as const

const retryAfterSeconds = 1
/** Stands for all of a client for whom there was no room: nobody may take them for services that do not exist. */
const unheardFollower = '-'.repeat(22)

/** How far those who follow the feed say they have come (docs/feed-format.md). */
export function addPositions(
  app: HttpServer,
  { issuer, callers, followers, limits, notice = () => undefined, now }: PositionsParts,
): void {
  const reporting = createReportingFollowers(() => performance.now(), limits)
  const options = { schema: { body: reportBody }, config: { isBackground: true } } as const
  app.post(pathAtIssuer(issuer, '/revocations/positions'), options, async (request, reply) => {
    const { clientId = '' } = await callers.requireFeedReader(request)
    const { follower, ended = false, applied_ms_ago: appliedMsAgo = 0 } = request.body
    const position = parsePosition(request.body.position)
    if (position === undefined) return sendUnfit(reply, 'position', 'is not <epoch>:<seq>')
    const key = { clientId, follower }
    // Whoever has reported nothing here can only end: what it says beside that may be anybody's invention.
    let isKnown = true
    if (ended) {
      const left = reporting.leave(key)
      if (left === 'too-often') {
        const detail = 'too many followers end that have not reported here'
        return sendThrottled(reply, retryAfterSeconds, detail)
      }
      isKnown = left === 'known'
      await followers.leave(key)
    } else {
      const seconds = request.body.max_staleness_seconds
      const maxStalenessMs = seconds === undefined ? undefined : seconds * 1000
      const judged = reporting.admit(key)
      if (judged.kind !== 'admitted') {
        if (judged.isNews) {
          const place = { epoch: position.epoch, seq: 0 }
          const unheard = { clientId, follower: unheardFollower, position: place }
          await followers.report({ ...unheard, appliedMsAgo: 0, maxStalenessMs })
        }
        return judged.kind === 'full'
          ? sendBusy(reply, retryAfterSeconds, judged.detail)
          : sendThrottled(reply, retryAfterSeconds, judged.detail)
      }
      const told = { appliedMsAgo, maxStalenessMs, ...ownFactsOf(request.body) }
      const kept = await followers.report({ ...key, position, ...told })
      if (kept === 'ahead')
        return sendUnfit(reply, 'position', 'is one that the log has not come to')
    }
    if (isKnown) for (const sighting of sightingsOf(key, request.body, now())) notice(sighting)
    const { spreadMs, everyMs } = reportPace(reporting.count())
    return reply.send({ spread_ms: spreadMs, every_ms: everyMs, counted: true })
  })
}

function ownFactsOf({
  software: name,
  version,
  checkpoint_ms_ago: checkpointMsAgo,
}: {
  readonly software?: string
  readonly version?: string
  readonly checkpoint_ms_ago?: number
}): Pick<PositionReport, 'software' | 'checkpointMsAgo'> {
  return { software: name === undefined ? undefined : { name, version }, checkpointMsAgo }
}

/** A report takes its time: what is no further apart is nothing. */
const apartMsMin = 3000

interface Seen {
  readonly clock?: number
  readonly refused?: Readonly<Record<string, number>>
}

function sightingsOf(
  { clientId, follower }: { readonly clientId: string; readonly follower: string },
  { clock, refused = {} }: Seen,
  now: number,
): readonly Sighting[] {
  const apartMs = clock === undefined ? 0 : clock - now
  return [
    ...Object.entries(refused).flatMap(([text, times]): readonly Sighting[] => {
      const reason = isRefusalReason(text) ? text : 'other'
      return times > 0 ? [{ kind: 'tokens-refused', clientId, reason, times }] : []
    }),
    ...(Math.abs(apartMs) >= apartMsMin
      ? [{ kind: 'clock-apart', clientId, follower, apartMs } as const]
      : []),
  ]
}
