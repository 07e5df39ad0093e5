import type { InertRequest } from './inert-requests.ts'

/** Those of receivers of security events: see `inertRequests`. */
const nobody = 'nobody'
const reason = 'because'
const streamMembers = {
  // Of a private network, so that nothing comes of it.
  delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://10.0.0.1/events' },
  events_requested: ['session-revoked'],
  description: 'of nobody',
  format: 'iss_sub',
}
const receiver = { caller: 'follower', ignoresUnknown: true, status: 404 } as const
const subject = { format: 'iss_sub', iss: 'https://id.example', sub: nobody }

export const inertStreamRequests: readonly InertRequest[] = [
  {
    route: 'GET /ssf/streams',
    caller: 'follower',
    query: { stream_id: nobody },
    status: 404,
  },
  { route: 'POST /ssf/streams', ...receiver, json: streamMembers, status: 400 },
  { route: 'PATCH /ssf/streams', ...receiver, json: { ...streamMembers, stream_id: nobody } },
  { route: 'PUT /ssf/streams', ...receiver, json: { ...streamMembers, stream_id: nobody } },
  { route: 'DELETE /ssf/streams', ...receiver, query: { stream_id: nobody } },
  { route: 'GET /ssf/status', ...receiver, query: { stream_id: nobody } },
  {
    route: 'POST /ssf/status',
    ...receiver,
    json: { stream_id: nobody, status: 'paused', reason },
  },
  {
    route: 'POST /ssf/subjects/add',
    ...receiver,
    json: { stream_id: nobody, subject, verified: true },
  },
  {
    route: 'POST /ssf/subjects/remove',
    ...receiver,
    json: { stream_id: nobody, subject, verified: true },
  },
  { route: 'POST /ssf/verify', ...receiver, json: { stream_id: nobody, state: 'a state' } },
  {
    route: 'POST /ssf/poll/:id',
    ...receiver,
    json: { maxEvents: 1, returnImmediately: true, ack: ['unknown'], setErrs: {} },
    bodyBytesMax: 256 * 1024,
  },
  { route: 'GET /.well-known/ssf-configuration', status: 200 },
  {
    route: 'GET /admin/streams',
    caller: 'administrator',
    query: { limit: '1', after: 'A'.repeat(22) },
    status: 200,
  },
  { route: 'GET /admin/streams/:id', caller: 'administrator', status: 404 },
  {
    route: 'POST /admin/streams',
    caller: 'administrator',
    json: {
      // Of a private network, so that nothing comes of it.
      endpoint_url: 'https://10.0.0.1/events',
      authorization_header: 'Bearer of-nobody',
      events: ['session-revoked'],
      audience: nobody,
      description: 'of nobody',
      format: 'iss_sub',
      reason,
    },
    status: 400,
  },
  { route: 'DELETE /admin/streams/:id', caller: 'administrator', json: { reason }, status: 404 },
  {
    route: 'POST /admin/streams/:id/redeliver',
    caller: 'administrator',
    json: { reason },
    status: 404,
  },
]
