import { instant, text } from './answers.ts'
import type { JsonSchema, Operations } from './operation.ts'
import { listOf, named, objectOf } from './operation.ts'

/** Streams of security events for receivers, as the Shared Signals Framework 1.0 has them. */
export const streamOperations: Operations = {
  'GET /.well-known/ssf-configuration': {
    id: 'getSsfConfiguration',
    tag: 'Documents',
    summary: 'What this issuer can do as a transmitter of security events (SSF 1.0)',
    caller: 'anyone',
    answers: {
      200: {
        description: 'The configuration',
        schema: { type: 'object', additionalProperties: true },
      },
      304: { description: 'What `If-None-Match` names is still right' },
    },
  },
  'GET /ssf/streams': {
    id: 'getStreams',
    tag: 'Security events',
    summary: 'The streams of this client, or the one that is named',
    caller: 'receiver',
    answers: {
      200: {
        description: 'One stream, or a list of all',
        schema: { anyOf: [named('EventStream'), listOf(named('EventStream'))] },
      },
    },
    problems: ['not-found'],
  },
  'POST /ssf/streams': {
    id: 'createStream',
    tag: 'Security events',
    summary: 'Begin a stream, of what happens from now on',
    caller: 'receiver',
    answers: { 201: { description: 'The stream', schema: named('EventStream') } },
    problems: ['too-many-streams', 'throttled'],
  },
  'PATCH /ssf/streams': {
    id: 'updateStream',
    tag: 'Security events',
    summary: 'Change a stream; what is not named stays',
    caller: 'receiver',
    answers: { 200: { description: 'As it is now', schema: named('EventStream') } },
    problems: ['not-found', 'throttled'],
  },
  'PUT /ssf/streams': {
    id: 'replaceStream',
    tag: 'Security events',
    summary: 'Say anew what a stream is; what is not named is taken away',
    caller: 'receiver',
    answers: { 200: { description: 'As it is now', schema: named('EventStream') } },
    problems: ['not-found', 'throttled'],
  },
  'DELETE /ssf/streams': {
    id: 'deleteStream',
    tag: 'Security events',
    summary: 'End a stream, with all that waits in it',
    caller: 'receiver',
    answers: { 204: { description: 'It is gone' } },
    problems: ['not-found', 'throttled'],
  },
  'GET /ssf/status': {
    id: 'getStreamStatus',
    tag: 'Security events',
    summary: 'Whether a stream is enabled, paused or disabled',
    caller: 'receiver',
    answers: { 200: { description: 'The status', schema: named('StreamStatus') } },
    problems: ['not-found'],
  },
  'POST /ssf/status': {
    id: 'setStreamStatus',
    tag: 'Security events',
    summary:
      'Enable, pause or disable a stream: paused it keeps what happens, disabled it drops it',
    caller: 'receiver',
    answers: { 200: { description: 'As it is now', schema: named('StreamStatus') } },
    problems: ['not-found', 'throttled'],
  },
  'POST /ssf/subjects/add': {
    id: 'addSubject',
    tag: 'Security events',
    summary: 'Hear of an account again that was removed; the answer tells nothing of the account',
    caller: 'receiver',
    answers: { 200: { description: 'So be it' } },
    problems: ['not-found', 'throttled'],
  },
  'POST /ssf/subjects/remove': {
    id: 'removeSubject',
    tag: 'Security events',
    summary: 'Hear nothing of an account; the answer tells nothing of the account',
    caller: 'receiver',
    answers: { 204: { description: 'So be it' } },
    problems: ['not-found', 'throttled'],
  },
  'POST /ssf/verify': {
    id: 'verifyStream',
    tag: 'Security events',
    summary: 'Have an event sent that says nothing but that the stream works',
    caller: 'receiver',
    answers: { 204: { description: 'It is on its way' } },
    problems: ['not-found', 'throttled'],
  },
  'POST /ssf/poll/:id': {
    id: 'pollEvents',
    tag: 'Security events',
    summary: 'Take what waits in a stream, and say what was taken before (RFC 8936); waits for it',
    caller: 'receiver',
    answers: { 200: { description: 'Events that wait', schema: named('PolledEvents') } },
    problems: ['not-found', 'throttled', 'overloaded', 'keys-unavailable'],
  },
}

/** Those of administrators, for whom receivers are none of their own. */
export const adminStreamOperations: Operations = {
  'GET /admin/streams': {
    id: 'listStreams',
    tag: 'Security events',
    summary: 'Every stream of security events, and how it goes with it',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of them, with `next` when there are more',
        schema: objectOf({ streams: listOf(named('StreamHealth')) }, { next: text }),
      },
    },
  },
  'GET /admin/streams/:id': {
    id: 'readStream',
    tag: 'Security events',
    summary: 'One stream, and the events that its receiver has refused for good',
    caller: 'administrator',
    answers: { 200: { description: 'The stream', schema: named('ReadStream') } },
    problems: ['not-found'],
  },
  'POST /admin/streams': {
    id: 'createWebhook',
    tag: 'Security events',
    summary: 'Have security events pushed to an address',
    caller: 'administrator',
    answers: { 201: { description: 'The stream', schema: named('StreamHealth') } },
    problems: ['superseded'],
  },
  'DELETE /admin/streams/:id': {
    id: 'endStream',
    tag: 'Security events',
    summary: 'End a stream, with all that waits in it',
    caller: 'administrator',
    answers: { 204: { description: 'It is gone' } },
    problems: ['not-found', 'superseded'],
  },
  'POST /admin/streams/:id/redeliver': {
    id: 'redeliverEvents',
    tag: 'Security events',
    summary: 'Deliver again what a receiver has refused for good',
    caller: 'administrator',
    answers: {
      200: { description: 'So many wait', schema: objectOf({ events: { type: 'integer' } }) },
    },
    problems: ['not-found', 'superseded'],
  },
}

const delivery = objectOf({ method: text }, { endpoint_url: text })

const count = { type: 'integer', minimum: 0 } as const
const health = {
  id: text,
  audience: text,
  delivery: { enum: ['push', 'poll'] },
  events: listOf(text),
  format: { enum: ['complex', 'iss_sub'] },
  status: { enum: ['enabled', 'paused', 'disabled'] },
  created_at: instant,
  failures: { ...count, description: 'in a row' },
  dropped: { ...count, description: 'events that it has not taken in time' },
  undelivered: { ...count, description: 'events that it has refused for good' },
} as const
const optionalHealth = {
  client: text,
  description: text,
  endpoint_url: text,
  status_reason: text,
  delivered_at: instant,
  failed_at: instant,
  last_failure: text,
} as const
const refused = {
  jti: text,
  event: text,
  happened_at: instant,
  given_up_at: instant,
  tries: count,
  why: text,
} as const

export const streamSchemas: Readonly<Record<string, JsonSchema>> = {
  EventStream: objectOf(
    {
      stream_id: text,
      iss: text,
      aud: text,
      events_supported: listOf(text),
      events_requested: listOf(text),
      events_delivered: listOf(text),
      delivery,
      min_verification_interval: { type: 'integer', description: 'seconds' },
      format: { enum: ['complex', 'iss_sub'] },
    },
    { description: text },
  ),
  PolledEvents: objectOf(
    {
      sets: {
        type: 'object',
        additionalProperties: text,
        description: 'security event tokens (RFC 8417) by their jti',
      },
    },
    { moreAvailable: { type: 'boolean' } },
  ),
  StreamHealth: objectOf(health, optionalHealth),
  ReadStream: objectOf(
    { ...health, undelivered_events: listOf(objectOf(refused)) },
    optionalHealth,
  ),
  StreamStatus: objectOf(
    { stream_id: text, status: { enum: ['enabled', 'paused', 'disabled'] } },
    { reason: text },
  ),
}
