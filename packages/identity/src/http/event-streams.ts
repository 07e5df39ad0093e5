import { isDeepStrictEqual } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  EventStream,
  EventStreamStore,
  StreamChanges,
  StreamOwner,
  StreamRequest,
} from '../domain/event-streams.ts'
import type { ParsedStreamRequest, StreamMembers } from '../domain/stream-requests.ts'
import { parseStreamRequest } from '../domain/stream-requests.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import type { HttpServer } from './server.ts'
import {
  membersOfStream,
  receiverMembers,
  sendNoStream,
  sendStreamRefusal,
  sendUnfitMember,
  streamId,
} from './stream-members.ts'

export interface StreamParts {
  readonly issuer: string
  readonly callers: Callers
  readonly eventStreams: EventStreamStore
  readonly newStreamId: () => string
  readonly sealAuthorization: (authorization: string, streamId: string) => string
  readonly endpointFault: (url: string) => string | undefined
}

const creationBody = { type: 'object', properties: receiverMembers } as const

const changeBody = {
  type: 'object',
  required: ['stream_id'],
  properties: { ...receiverMembers, stream_id: streamId },
} as const

const streamQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { stream_id: streamId },
} as const

const neededStreamQuery = { ...streamQuery, required: ['stream_id'] } as const

/** Receivers and their streams (SSF 1.0 section 8.1.1). Each sees its own alone. */
export function addEventStreams(app: HttpServer, parts: StreamParts): void {
  addReading(app, parts)
  addCreation(app, parts)
  addChanges(app, parts)
  addDeletion(app, parts)
}

function pathOf({ issuer }: StreamParts): string {
  return pathAtIssuer(issuer, '/ssf/streams')
}

function addReading(app: HttpServer, parts: StreamParts): void {
  const { issuer, callers, eventStreams } = parts
  app.get(pathOf(parts), { schema: { querystring: streamQuery } }, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'read')
    const { stream_id: id } = request.query
    if (id === undefined) {
      const streams = await eventStreams.listOf(clientId)
      return reply.send(streams.map((stream) => membersOfStream(issuer, stream)))
    }
    const stream = await eventStreams.find(clientId, id)
    if (stream === undefined) return sendNoStream(reply)
    return reply.send(membersOfStream(issuer, stream))
  })
}

function addCreation(app: HttpServer, parts: StreamParts): void {
  const { issuer, callers, eventStreams } = parts
  app.post(pathOf(parts), { schema: { body: creationBody } }, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'manage')
    const id = parts.newStreamId()
    const parsed = parseFor(parts, id, request.body)
    if (parsed.kind === 'unfit') return sendUnfitMember(reply, parsed.member, parsed.fault)
    const stream = { ...parsed.request, id, clientId, audience: clientId }
    const outcome = await eventStreams.create(stream, ownerOf(request, clientId))
    if (outcome.kind !== 'created') return sendStreamRefusal(reply, outcome)
    tell(request, id, 'stream created')
    return reply.code(201).send(membersOfStream(issuer, outcome.stream))
  })
}

function addChanges(app: HttpServer, parts: StreamParts): void {
  const schema = { body: changeBody }
  app.put(pathOf(parts), { schema }, (request, reply) =>
    changeStream(parts, { request, reply, body: request.body, changesOf: (said) => said }),
  )
  app.patch(pathOf(parts), { schema }, (request, reply) => {
    const { body } = request
    return changeStream(parts, { request, reply, body, changesOf: (said) => named(body, said) })
  })
}

/** Of what a stream would be if it was made anew, what was named. */
function named(body: StreamMembers, said: StreamRequest): StreamChanges {
  const { delivery, events, eventsRequested, description, subjectFormat } = said
  return {
    ...(body.delivery !== undefined && { delivery }),
    ...(body.events_requested !== undefined && { events, eventsRequested }),
    ...(body.description !== undefined && { description }),
    ...(body.format !== undefined && { subjectFormat }),
  }
}

interface AskedChange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly body: StreamMembers & { readonly stream_id: string }
  readonly changesOf: (said: StreamRequest) => StreamChanges
}

async function changeStream(
  parts: StreamParts,
  { request, reply, body, changesOf }: AskedChange,
): Promise<FastifyReply> {
  const { issuer, callers, eventStreams } = parts
  const { clientId } = await callers.requireReceiver(request, 'manage')
  const stream = await eventStreams.find(clientId, body.stream_id)
  if (stream === undefined) return sendNoStream(reply)
  const mistaken = mistakenMember(parts, stream, { ...body })
  if (mistaken !== undefined) return sendUnfitMember(reply, mistaken, 'is not what it is')
  const parsed = parseFor(parts, stream.id, body)
  if (parsed.kind === 'unfit') return sendUnfitMember(reply, parsed.member, parsed.fault)
  const changes = changesOf(parsed.request)
  const outcome = await eventStreams.change(stream.id, changes, ownerOf(request, clientId))
  if (outcome.kind === 'unknown') return sendNoStream(reply)
  if (outcome.kind !== 'changed') return sendStreamRefusal(reply, outcome)
  tell(request, stream.id, 'stream changed')
  return reply.send(membersOfStream(issuer, outcome.stream))
}

function addDeletion(app: HttpServer, parts: StreamParts): void {
  const { callers, eventStreams } = parts
  const schema = { querystring: neededStreamQuery }
  app.delete(pathOf(parts), { schema }, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'manage')
    const { stream_id: id } = request.query
    if ((await eventStreams.find(clientId, id)) === undefined) return sendNoStream(reply)
    const outcome = await eventStreams.delete(id, ownerOf(request, clientId))
    if (outcome.kind === 'unknown') return sendNoStream(reply)
    if (outcome.kind !== 'deleted') return sendStreamRefusal(reply, outcome)
    tell(request, id, 'stream deleted')
    return reply.code(204).send()
  })
}

function parseFor(parts: StreamParts, id: string, body: StreamMembers): ParsedStreamRequest {
  const { endpointFault, sealAuthorization } = parts
  const seal = (authorization: string): string => sealAuthorization(authorization, id)
  return parseStreamRequest(body, { seal, endpointFault })
}

/** What the transmitter supplies may stand in a change, and must be as it is (SSF 1.0 sections 8.1.1.3 and 8.1.1.4). */
function mistakenMember(
  { issuer }: StreamParts,
  stream: EventStream,
  body: Readonly<Record<string, unknown>>,
): string | undefined {
  const members = membersOfStream(issuer, stream)
  return transmitterMembers.find(
    (name) => body[name] !== undefined && !isDeepStrictEqual(body[name], members[name]),
  )
}

const transmitterMembers = [
  'iss',
  'aud',
  'events_supported',
  'events_delivered',
  'min_verification_interval',
] as const

export function ownerOf(request: FastifyRequest, clientId: string): StreamOwner {
  return { kind: 'client', clientId, network: request.ip }
}

function tell({ log }: FastifyRequest, id: string, what: string): void {
  log.info({ event: 'authz_admin', streamId: id }, what)
}
