import { createProblem } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  StreamHealth,
  StreamOwner,
  StreamRefusal,
  UndeliveredEvent,
} from '../domain/event-streams.ts'
import { sharedEventNames, sharedEventsAmong } from '../domain/security-events.ts'
import { deliveryMethods, parseStreamRequest } from '../domain/stream-requests.ts'
import { accountPath, decisionBody, reasonText } from './body-fields.ts'
import type { StreamParts } from './event-streams.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant } from './moments.ts'
import { limitOf, longPageLimit } from './page-queries.ts'
import { sendProblem, sendUnfit } from './problems.ts'
import type { HttpServer } from './server.ts'
import { receiverMembers, sendStreamRefusal, sendUnfitMember } from './stream-members.ts'

const pageQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { limit: longPageLimit, after: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' } },
} as const

const { description, format, delivery } = receiverMembers
const { endpoint_url: endpointUrl, authorization_header: authorization } = delivery.properties

const creationBody = {
  type: 'object',
  required: ['endpoint_url', 'events'],
  additionalProperties: false,
  properties: {
    endpoint_url: endpointUrl,
    authorization_header: authorization,
    events: {
      type: 'array',
      minItems: 1,
      maxItems: 16,
      uniqueItems: true,
      items: { type: 'string', minLength: 1, maxLength: 256 },
    },
    audience: { type: 'string', minLength: 1, maxLength: 2048 },
    description,
    format,
    reason: reasonText,
  },
} as const

/** Streams of every receiver, how it goes with them, and webhooks that administrators make. */
export function addAdminStreams(app: HttpServer, parts: StreamParts): void {
  addReading(app, parts)
  addCreation(app, parts)
  addDecisions(app, parts)
}

function at({ issuer }: StreamParts, route: string): string {
  return pathAtIssuer(issuer, `/admin/streams${route}`)
}

function addReading(app: HttpServer, parts: StreamParts): void {
  const { callers, eventStreams } = parts
  app.get(at(parts, ''), { schema: { querystring: pageQuery } }, async (request) => {
    await callers.requireAdministrator(request)
    const limit = limitOf(request.query)
    const found = await eventStreams.list({ limit: limit + 1, after: request.query.after })
    const page = found.slice(0, limit)
    return {
      streams: page.map(membersOf),
      next: found.length > limit ? page.at(-1)?.id : undefined,
    }
  })

  app.get(at(parts, '/:id'), { schema: { params: accountPath } }, async (request, reply) => {
    await callers.requireAdministrator(request)
    const found = await eventStreams.read(request.params.id)
    if (found === undefined) return sendProblem(reply, createProblem('not-found'))
    const { stream, undelivered } = found
    return reply.send({
      ...membersOf(stream),
      undelivered_events: undelivered.map(membersOfRefused),
    })
  })
}

function addCreation(app: HttpServer, parts: StreamParts): void {
  const { callers, eventStreams, endpointFault, sealAuthorization } = parts
  app.post(at(parts, ''), { schema: { body: creationBody } }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const { body } = request
    const id = parts.newStreamId()
    const { endpoint_url: url, authorization_header: header, events, audience = url, reason } = body
    // Who types it himself should hear of a slip.
    const unknown = events.find((event) => sharedEventsAmong([event]).length === 0)
    if (unknown !== undefined) {
      return sendUnfit(reply, 'events', `may hold ${sharedEventNames.join(', ')}`)
    }
    const members = {
      events_requested: events,
      delivery: {
        method: deliveryMethods.push,
        endpoint_url: url,
        ...(header !== undefined && { authorization_header: header }),
      },
      ...(body.description !== undefined && { description: body.description }),
      ...(body.format !== undefined && { format: body.format }),
    }
    const seal = (text: string): string => sealAuthorization(text, id)
    const parsed = parseStreamRequest(members, {
      seal,
      endpointFault,
      eventsAmong: sharedEventsAmong,
    })
    if (parsed.kind === 'unfit') {
      return sendUnfitMember(reply, parsed.member.replace('delivery/', ''), parsed.fault)
    }
    const stream = { ...parsed.request, id, clientId: undefined, audience }
    const outcome = await eventStreams.create(stream, { kind: 'actor', actor, reason })
    if (outcome.kind !== 'created') return sendStreamRefusal(reply, outcome)
    tell(request, id, actor.accountId, 'stream created')
    return reply.code(201).send(membersOf({ ...outcome.stream, ...healthy }))
  })
}

/** Of one that has only begun. */
const healthy = {
  deliveredAt: undefined,
  failedAt: undefined,
  lastFailure: undefined,
  failures: 0,
  dropped: 0,
  undelivered: 0,
}

function addDecisions(app: HttpServer, parts: StreamParts): void {
  const { callers, eventStreams } = parts
  const schema = { params: accountPath, body: decisionBody }
  app.delete(at(parts, '/:id'), { schema }, async (request, reply) => {
    const { id, owner, actorId } = await decisionIn(request, request.params.id, request.body.reason)
    const outcome = await eventStreams.delete(id, owner)
    if (outcome.kind !== 'deleted') return refuse(reply, outcome)
    tell(request, id, actorId, 'stream deleted')
    return reply.code(204).send()
  })

  app.post(at(parts, '/:id/redeliver'), { schema }, async (request, reply) => {
    const { id, owner, actorId } = await decisionIn(request, request.params.id, request.body.reason)
    const outcome = await eventStreams.redeliver(id, owner)
    if (outcome.kind !== 'waiting') return refuse(reply, outcome)
    tell(request, id, actorId, 'events are delivered again')
    return reply.send({ events: outcome.events })
  })

  const decisionIn = async (
    request: FastifyRequest,
    id: string,
    reason: string,
  ): Promise<{ readonly id: string; readonly owner: StreamOwner; readonly actorId: string }> => {
    const actor = await callers.requireAdministrator(request)
    return { id, owner: { kind: 'actor', actor, reason }, actorId: actor.accountId }
  }
}

function refuse(
  reply: FastifyReply,
  outcome: { readonly kind: 'unknown' } | StreamRefusal,
): FastifyReply {
  return outcome.kind === 'unknown'
    ? sendProblem(reply, createProblem('not-found'))
    : sendStreamRefusal(reply, outcome)
}

function tell({ log }: FastifyRequest, id: string, actor: string, what: string): void {
  log.info({ event: 'authz_admin', streamId: id, actor }, what)
}

/** Never the field `Authorization` that is sent to a receiver, which is its secret. */
function membersOf(stream: StreamHealth): object {
  return {
    id: stream.id,
    client: stream.clientId,
    audience: stream.audience,
    description: stream.description,
    delivery: stream.delivery.method,
    endpoint_url: stream.delivery.method === 'push' ? stream.delivery.endpointUrl : undefined,
    events: stream.events,
    format: stream.subjectFormat,
    status: stream.status,
    status_reason: stream.statusReason,
    created_at: instant(stream.createdAt),
    delivered_at: instant(stream.deliveredAt),
    failed_at: instant(stream.failedAt),
    last_failure: stream.lastFailure,
    failures: stream.failures,
    dropped: stream.dropped,
    undelivered: stream.undelivered,
  }
}

function membersOfRefused({
  jti,
  event,
  happenedAt,
  at: givenUpAt,
  tries,
  why,
}: UndeliveredEvent): object {
  return {
    jti,
    event,
    happened_at: instant(happenedAt),
    given_up_at: instant(givenUpAt),
    tries,
    why,
  }
}
