import { setTimeout as pause } from 'node:timers/promises'
import { parsePosition } from '@portcullis/protocol/revocations'
import { createClientPlaces, createProblem } from '@portcullis/runtime'
import type { Receipt, ReceiptState, ReceiptStore } from '../domain/receipts.ts'
import { awaitReceipts } from '../domain/receipts.ts'
import { createSerialQueue } from '../domain/serial-queue.ts'
import type { Callers } from './callers.ts'
import { nameOfFollower, softwareMembers } from './follower-names.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant } from './moments.ts'
import { positionPath, sendNoSuchPosition } from './position-path.ts'
import { sendBusy, sendProblem, sendThrottled } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface ReceiptsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly receipts: ReceiptStore
}

const receiptQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { wait: { type: 'string', pattern: '^([0-9]|[1-5][0-9]|60)$' } },
} as const

/** Of one answer: those that are waited for, and the slowest. */
const receiptsShownMax = 200
/** Of services; an administrator finds a place also when they take all of theirs. */
const clientPlaces = { max: 48, perClientMax: 8 }
const administratorPlaces = { max: 16, perClientMax: 16 }
const retryAfterSeconds = 1

/** What became of one revocation at those who follow the feed (docs/feed-format.md). */
export function addReceipts(app: HttpServer, { issuer, callers, receipts }: ReceiptsParts): void {
  const inTurn = createSerialQueue()
  const ofClients = createClientPlaces(clientPlaces)
  const ofAdministrators = createClientPlaces(administratorPlaces)
  const closing = new AbortController()
  // Otherwise the listener would wait for them.
  app.addHook('preClose', async () => closing.abort())
  const schema = { params: positionPath, querystring: receiptQuery }
  const path = pathAtIssuer(issuer, '/revocations/receipts/:position')
  app.get(path, { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { clientId } = await callers.requireReceiptReader(request)
    const position = parsePosition(request.params.position)
    if (position === undefined) return sendProblem(reply, createProblem('not-found'))
    const places = clientId === undefined ? ofAdministrators : ofClients
    const place = places.take(clientId)
    if (place.kind !== 'taken') {
      return place.kind === 'full'
        ? sendBusy(reply, retryAfterSeconds, 'too many wait for receipts')
        : sendThrottled(reply, retryAfterSeconds, 'this client waits for too many receipts')
    }
    const found = await awaitReceipts(
      {
        store: receipts,
        inTurn,
        monotonic: () => performance.now(),
        pause: (ms) => pause(ms, undefined, { signal: closing.signal }).catch(() => undefined),
      },
      position,
      {
        waitMs: Number(request.query.wait ?? 0) * 1000,
        shownMax: receiptsShownMax,
        isLeft: () => closing.signal.aborted || request.raw.socket.destroyed,
      },
    ).finally(place.leave)
    if (found.kind === 'ahead' || found.kind === 'gone') {
      return sendNoSuchPosition(reply, found.kind)
    }
    return reply.send({
      position: request.params.position,
      committed_at: instant(found.committedAt),
      everywhere: found.isEverywhere,
      applied: found.applied,
      unknown: found.unknown,
      refusing: found.refusing,
      slowest_ms: found.slowestMs,
      p50_ms: found.p50Ms,
      p99_ms: found.p99Ms,
      latencies: found.latencies.map(({ upToMs, followers }) => ({ up_to_ms: upToMs, followers })),
      followers: found.receipts.map(membersOfReceipt),
    })
  })
}

function membersOfReceipt({ state, software, reportedAt, ...one }: Receipt): object {
  const name = { ...nameOfFollower(one), ...softwareMembers(software) }
  return { ...name, state: state.kind, ...detailsOf(state, reportedAt) }
}

function detailsOf(state: ReceiptState, reportedAt: number): object {
  if (state.kind === 'applied') return { after_ms: state.afterMs }
  return { until: instant(state.untilMs), reported_at: instant(reportedAt) }
}
