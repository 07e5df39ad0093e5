import type { JsonObject } from '@portcullis/protocol'
import {
  streamStatuses,
  subjectsPerStreamMax,
  verificationIntervalSeconds,
} from '../domain/event-streams.ts'
import { parseSubject } from '../domain/stream-subjects.ts'
import type { StreamParts } from './event-streams.ts'
import { ownerOf } from './event-streams.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendThrottled } from './problems.ts'
import type { HttpServer } from './server.ts'
import {
  membersOfStatus,
  sendNoStream,
  sendStreamRefusal,
  sendUnfitMember,
  streamId,
} from './stream-members.ts'

const statusQuery = {
  type: 'object',
  required: ['stream_id'],
  additionalProperties: false,
  properties: { stream_id: streamId },
} as const

const statusBody = {
  type: 'object',
  required: ['stream_id', 'status'],
  properties: {
    stream_id: streamId,
    status: { enum: streamStatuses },
    reason: { type: 'string', minLength: 1, maxLength: 500 },
  },
} as const

const subjectBody = {
  type: 'object',
  required: ['stream_id', 'subject'],
  properties: {
    stream_id: streamId,
    // Read by `parseSubject`.
    subject: { type: 'object' },
    verified: { type: 'boolean' },
  },
} as const

const verificationBody = {
  type: 'object',
  required: ['stream_id'],
  properties: { stream_id: streamId, state: { type: 'string', minLength: 1, maxLength: 1024 } },
} as const

/** Status, subjects and verification of streams (SSF 1.0 sections 8.1.2 to 8.1.4). */
export function addStreamOperations(app: HttpServer, parts: StreamParts): void {
  addStatus(app, parts)
  addSubject(app, parts, { route: '/ssf/subjects/add', isWanted: true, status: 200 })
  addSubject(app, parts, { route: '/ssf/subjects/remove', isWanted: false, status: 204 })
  addVerification(app, parts)
}

function addStatus(app: HttpServer, { issuer, callers, eventStreams }: StreamParts): void {
  const path = pathAtIssuer(issuer, '/ssf/status')
  app.get(path, { schema: { querystring: statusQuery } }, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'read')
    const stream = await eventStreams.find(clientId, request.query.stream_id)
    return stream === undefined ? sendNoStream(reply) : reply.send(membersOfStatus(stream))
  })

  app.post(path, { schema: { body: statusBody } }, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'manage')
    const { stream_id: id, status, reason } = request.body
    if ((await eventStreams.find(clientId, id)) === undefined) return sendNoStream(reply)
    const owner = ownerOf(request, clientId)
    const outcome = await eventStreams.setStatus(id, { status, reason }, owner)
    if (outcome.kind === 'unknown') return sendNoStream(reply)
    if (outcome.kind !== 'changed') return sendStreamRefusal(reply, outcome)
    request.log.info({ event: 'authz_admin', streamId: id, streamStatus: status }, 'stream changed')
    return reply.send(membersOfStatus(outcome.stream))
  })
}

function addSubject(
  app: HttpServer,
  { issuer, callers, eventStreams }: StreamParts,
  {
    route,
    isWanted,
    status,
  }: { readonly route: string; readonly isWanted: boolean; readonly status: number },
): void {
  const path = pathAtIssuer(issuer, route)
  app.post(path, { schema: { body: subjectBody } }, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'manage')
    const { stream_id: id, subject } = request.body
    // Bodies come from our own parser, which makes JSON and nothing else.
    const parsed = parseSubject(issuer, subject as JsonObject)
    if (parsed.kind === 'unfit') return sendUnfitMember(reply, 'subject', parsed.fault)
    const accountId = parsed.kind === 'account' ? parsed.accountId : ''
    const outcome = await eventStreams.setSubject(
      { clientId, streamId: id, accountId, isWanted },
      subjectsPerStreamMax,
    )
    if (outcome === 'unknown') return sendNoStream(reply)
    if (outcome === 'full') {
      const detail = `a stream may leave out ${subjectsPerStreamMax} accounts`
      return sendThrottled(reply, fullRetrySeconds, detail)
    }
    return reply.code(status).send()
  })
}

/** Not before somebody has made room. */
const fullRetrySeconds = 3600

function addVerification(app: HttpServer, { issuer, callers, eventStreams }: StreamParts): void {
  const path = pathAtIssuer(issuer, '/ssf/verify')
  app.post(path, { schema: { body: verificationBody } }, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'manage')
    const { stream_id: id, state } = request.body
    const outcome = await eventStreams.verify(
      { clientId, streamId: id, state },
      verificationIntervalSeconds * 1000,
    )
    if (outcome === 'unknown') return sendNoStream(reply)
    if (outcome === 'too-often') {
      const detail = 'this stream was verified a moment ago'
      return sendThrottled(reply, verificationIntervalSeconds, detail)
    }
    return reply.code(204).send()
  })
}
