import { createProblem } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import type { EventStream, StreamRefusal, TooMany } from '../domain/event-streams.ts'
import { streamsPerClientMax, verificationIntervalSeconds } from '../domain/event-streams.ts'
import { eventTypes, typeOfEvent } from '../domain/security-events.ts'
import { deliveryMethods } from '../domain/stream-requests.ts'
import { sendOverruled, sendProblem, sendThrottled } from './problems.ts'

/*
 * Streams as receivers say them and are shown them (SSF 1.0 section 8.1.1). What a receiver says beyond it is ignored, as
 * the standard demands.
 */

export const streamId = { type: 'string', minLength: 1, maxLength: 64 } as const

/** What a receiver supplies. */
export const receiverMembers = {
  delivery: {
    type: 'object',
    required: ['method'],
    properties: {
      method: { type: 'string', minLength: 1, maxLength: 128 },
      endpoint_url: { type: 'string', minLength: 1, maxLength: 2048 },
      authorization_header: { type: 'string', minLength: 1, maxLength: 2048 },
    },
  },
  events_requested: {
    type: 'array',
    maxItems: 64,
    uniqueItems: true,
    items: { type: 'string', minLength: 1, maxLength: 256 },
  },
  description: { anyOf: [{ type: 'string', minLength: 1, maxLength: 500 }, { type: 'null' }] },
  // Not of the standard any more, and some receivers know nothing of sessions.
  format: { enum: ['complex', 'iss_sub'] },
} as const

function pollUrl(issuer: string, id: string): string {
  return `${issuer}/ssf/poll/${id}`
}

/** Never the field `Authorization` that is sent to the receiver, which is its secret. */
export function membersOfStream(
  issuer: string,
  stream: EventStream,
): Readonly<Record<string, unknown>> {
  const { id, audience, delivery, eventsRequested, events, description, subjectFormat } = stream
  return {
    stream_id: id,
    iss: issuer,
    aud: audience,
    events_supported: Object.values(eventTypes),
    events_requested: eventsRequested,
    events_delivered: events.map(typeOfEvent),
    delivery:
      delivery.method === 'push'
        ? { method: deliveryMethods.push, endpoint_url: delivery.endpointUrl }
        : { method: deliveryMethods.poll, endpoint_url: pollUrl(issuer, id) },
    min_verification_interval: verificationIntervalSeconds,
    description,
    format: subjectFormat,
  }
}

export function membersOfStatus({ id, status, statusReason }: EventStream): object {
  return { stream_id: id, status, reason: statusReason }
}

export function sendNoStream(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, createProblem('not-found', 'there is no such stream of this client'))
}

export function sendStreamRefusal(
  reply: FastifyReply,
  refusal: StreamRefusal | TooMany,
): FastifyReply {
  switch (refusal.kind) {
    case 'superseded':
      return sendOverruled(reply)
    case 'too-often':
      return sendThrottled(reply, refusal.retryAfterSeconds, 'too many changes of streams')
    case 'too-many': {
      const detail = `a client may have ${streamsPerClientMax} streams`
      return sendProblem(reply, createProblem('too-many-streams', detail))
    }
  }
}

export function sendUnfitMember(reply: FastifyReply, member: string, fault: string): FastifyReply {
  const errors = [{ field: `/${member}`, message: fault }]
  return sendProblem(reply, createProblem('malformed', `${member} ${fault}`, errors))
}
