import { randomUUID } from 'node:crypto'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'
import { assertionType } from '../src/http/client-authentication.ts'
import { inertPageRequests } from './inert-page-requests.ts'
import { inertStreamRequests } from './inert-stream-requests.ts'
import { alice } from './running-identity.ts'

/**
 * A request in perfect form that changes nothing, because of what it says: a wrong password, an account that
 * is not there. So whatever is put into it can be told from it, and has nothing to change either.
 */
export interface InertRequest {
  /** As the server names it: `DELETE /sessions/:sid`. */
  readonly route: string
  /** Who asks; default: nobody, without a token. */
  readonly caller?: 'person' | 'administrator' | 'follower'
  readonly json?: Readonly<Record<string, unknown>>
  readonly form?: Readonly<Record<string, string>>
  /** Members that the route takes and that cannot stand beside these; another request has them. */
  readonly leavesOut?: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Members that it does not know are passed over, as its standard demands. */
  readonly ignoresUnknown?: boolean
  /** Default: as most routes have it. */
  readonly bodyBytesMax?: number
  /** Of the answer in perfect form. */
  readonly status: number
  /** How refusals are told; default: as a problem document. */
  readonly answers?: 'problem' | 'oauth' | 'page'
}

const password = `wrong ${randomUUID()}`
const nobody = 'nobody'
const email = 'nobody@mail.example'
const reason = 'because'
const unknownLink = 'A'.repeat(43)
/** Older than everything. */
const firstCursor = `1.${'A'.repeat(22)}`
/** Of an epoch that never was. */
const gonePosition = `${'A'.repeat(22)}:0`
const login = { identifier: nobody, password }
const secret = ['client_secret']
const assertion = ['client_assertion', 'client_assertion_type']
const others = ['audience', 'scope', 'max_age', 'delivery']
const administrator = { caller: 'administrator' } as const
const decided = { ...administrator, json: { reason }, status: 404 } as const
const clientMembers = {
  description: 'of nobody',
  grants: ['client_credentials'],
  audiences: ['orders'],
  scopes: ['orders:read'],
  jwks: { keys: [publicJwk(algorithmNamed('EdDSA').generateKeyPair().publicKey, 'EdDSA')] },
}
/** Nobody whom there is. */
const bulk = {
  ...administrator,
  json: { ids: ['A'.repeat(22)], reason },
  status: 200,
  bodyBytesMax: 512 * 1024,
} as const
const page = { answers: 'page' } as const
export const inertRequests: readonly InertRequest[] = [
  {
    route: 'POST /login',
    json: {
      identifier: nobody,
      password,
      client_id: 'web',
      audience: ['orders'],
      scope: 'orders:read',
      max_age: 1,
      delivery: 'body',
    },
    leavesOut: [...secret, ...assertion],
    status: 401,
  },
  {
    route: 'POST /login',
    json: { ...login, client_id: nobody, client_secret: password },
    leavesOut: [...assertion, ...others],
    status: 400,
  },
  {
    route: 'POST /login',
    json: {
      ...login,
      client_id: nobody,
      client_assertion: 'unknown',
      client_assertion_type: assertionType,
    },
    leavesOut: [...secret, ...others],
    status: 400,
  },
  {
    route: 'POST /token',
    form: {
      grant_type: 'refresh_token',
      refresh_token: 'unknown',
      attempt: 'first',
      client_id: 'web',
      audience: 'orders',
      scope: 'orders:read',
    },
    status: 400,
    answers: 'oauth',
  },
  {
    route: 'POST /token',
    form: {
      grant_type: 'client_credentials',
      client_id: nobody,
      client_secret: password,
      audience: 'orders',
      scope: 'orders:read',
    },
    status: 401,
    answers: 'oauth',
  },
  {
    route: 'POST /token',
    form: {
      grant_type: 'client_credentials',
      client_id: nobody,
      client_assertion: 'unknown',
      client_assertion_type: assertionType,
    },
    status: 401,
    answers: 'oauth',
  },
  {
    route: 'POST /token',
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id: nobody,
      client_secret: password,
      subject_token: 'unknown',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'orders',
      scope: 'orders:read',
    },
    status: 401,
    answers: 'oauth',
  },
  {
    route: 'POST /revoke',
    form: { token: 'unknown', token_type_hint: 'access_token', client_id: 'web' },
    status: 200,
    answers: 'oauth',
  },
  {
    route: 'POST /introspect',
    form: {
      token: 'unknown',
      token_type_hint: 'access_token',
      client_id: nobody,
      client_secret: password,
    },
    status: 401,
    answers: 'oauth',
  },
  { route: 'POST /logout', json: { refresh_token: 'unknown' }, status: 401 },
  { route: 'POST /logout/everywhere', json: { refresh_token: 'unknown' }, status: 401 },
  {
    route: 'GET /sessions',
    caller: 'person',
    query: { limit: '2', after: firstCursor },
    status: 200,
  },
  { route: 'POST /sessions/end-others', json: {}, status: 401 },
  { route: 'DELETE /sessions/:sid', caller: 'person', json: {}, status: 404 },
  {
    route: 'POST /account/password',
    caller: 'person',
    json: { current: password, new: `another ${password}` },
    status: 401,
  },
  { route: 'POST /account/reauthenticate', caller: 'person', json: { password }, status: 401 },
  {
    route: 'POST /accounts',
    json: { identifier: alice.identifier, password, email },
    status: 409,
  },
  { route: 'GET /account', caller: 'person', status: 200 },
  { route: 'DELETE /account', caller: 'person', json: { password }, status: 401 },
  { route: 'POST /account/verify-email', json: { token: unknownLink, password }, status: 400 },
  { route: 'POST /account/reset', json: { identifier: nobody }, status: 202 },
  {
    route: 'POST /account/reset/confirm',
    json: { token: unknownLink, new: password },
    status: 400,
  },
  { route: 'GET /account/reset/form', query: { token: unknownLink }, status: 200, ...page },
  {
    route: 'POST /account/reset/form',
    form: { token: unknownLink, password },
    status: 400,
    ...page,
  },
  { route: 'GET /account/verify-email/form', query: { token: unknownLink }, status: 200, ...page },
  {
    route: 'POST /account/verify-email/form',
    form: { token: unknownLink, password },
    status: 400,
    ...page,
  },
  {
    route: 'GET /admin/accounts',
    ...administrator,
    query: {
      identifier: nobody,
      identifier_prefix: 'no',
      role: 'auditor',
      blocked: 'false',
      unconfirmed: 'false',
      created_after: '2026-01-01',
      created_before: '2026-01-01T12:00:00Z',
      limit: '200',
      after: firstCursor,
    },
    status: 200,
  },
  { route: 'GET /admin/accounts/:id', ...administrator, status: 404 },
  { route: 'POST /admin/accounts/logout', ...bulk },
  { route: 'POST /admin/accounts/block', ...bulk },
  {
    route: 'POST /admin/accounts',
    ...administrator,
    json: {
      identifier: alice.identifier,
      password,
      email,
      roles: ['auditor'],
      attributes: { tenant: 'one' },
      reason,
    },
    status: 409,
  },
  {
    route: 'POST /admin/accounts/import',
    ...administrator,
    // Somebody who is there already, and without a hash that could be taken over.
    json: { accounts: [{ identifier: alice.identifier }], dry_run: true, reason },
    status: 200,
  },
  { route: 'POST /admin/accounts/:id/block', ...decided },
  { route: 'POST /admin/accounts/:id/unblock', ...decided },
  { route: 'POST /admin/accounts/:id/logout', ...decided },
  { route: 'POST /admin/accounts/:id/reset', ...decided },
  { route: 'DELETE /admin/accounts/:id', ...decided },
  { route: 'POST /admin/accounts/:id/roles', ...decided, json: { roles: ['auditor'], reason } },
  {
    route: 'PATCH /admin/accounts/:id',
    ...decided,
    json: { attributes: { tenant: 'one' }, email, reason },
  },
  {
    route: 'GET /admin/sessions',
    ...administrator,
    query: {
      account: 'A'.repeat(22),
      client: 'web',
      state: 'all',
      limit: '200',
      after: firstCursor,
    },
    status: 200,
  },
  { route: 'DELETE /admin/sessions/:sid', ...decided },
  {
    route: 'POST /admin/sessions/end-all',
    ...administrator,
    json: { issuer: 'https://another.example', reason },
    status: 400,
  },
  { route: 'GET /admin/activity', ...administrator, query: { minutes: '60' }, status: 200 },
  {
    route: 'GET /admin/revocations',
    ...administrator,
    query: { limit: '1', after: '1' },
    status: 200,
  },
  { route: 'GET /admin/revocations/:position', ...administrator, status: 404 },
  { route: 'GET /admin/settings', ...administrator, status: 200 },
  {
    route: 'GET /admin/anomalies',
    ...administrator,
    query: {
      rule: 'refresh-reuse',
      severity: 'critical',
      since: '2026-01-31',
      limit: '1',
      after: '1',
    },
    status: 200,
  },
  { route: 'GET /admin/anomalies/:id', ...administrator, status: 404 },
  {
    route: 'GET /admin/audit',
    ...administrator,
    query: {
      kind: 'node-stopped',
      account: 'nobody',
      actor: 'nobody',
      client: 'nobody',
      session: 'nobody',
      from: '2026-01-01T00:00:00Z',
      to: '2026-01-02T00:00:00.000Z',
      limit: '2',
      after: '1',
    },
    status: 200,
  },
  {
    route: 'POST /admin/audit/verify',
    ...administrator,
    json: { anchors: [] },
    status: 200,
  },
  {
    route: 'GET /admin/clients',
    ...administrator,
    query: { name: 'nobody', limit: '1', after: 'web' },
    status: 200,
  },
  { route: 'GET /admin/clients/:id', ...administrator, status: 404 },
  {
    route: 'POST /admin/clients',
    ...administrator,
    json: { ...clientMembers, name: 'web', public: false, reason },
    status: 409,
  },
  { route: 'PATCH /admin/clients/:id', ...decided, json: { ...clientMembers, reason } },
  {
    route: 'POST /admin/clients/:id/rotate-secret',
    ...decided,
    json: { overlap_seconds: 60, reason },
  },
  { route: 'POST /admin/clients/:id/revoke-tokens', ...decided },
  { route: 'POST /admin/clients/:id/disable', ...decided },
  { route: 'POST /admin/clients/:id/enable', ...decided },
  { route: 'DELETE /admin/clients/:id', ...decided },
  { route: 'GET /admin/keys', ...administrator, status: 200 },
  {
    route: 'POST /admin/keys/rotate',
    ...administrator,
    // No audience is signed for by it.
    json: { purpose: 'access-token', algorithm: 'EdDSA', reason },
    status: 404,
  },
  { route: 'POST /admin/keys/:kid/withdraw', ...decided },
  {
    route: 'POST /revocations/positions',
    caller: 'follower',
    json: {
      follower: 'A'.repeat(22),
      position: gonePosition,
      applied_ms_ago: 0,
      max_staleness_seconds: 30,
      ended: true,
      clock: 0,
      refused: {},
      software: 'verify',
      version: '0.1.0',
      checkpoint_ms_ago: 0,
    },
    status: 200,
  },
  {
    route: 'GET /revocations/receipts/:position',
    caller: 'follower',
    query: { wait: '0' },
    status: 404,
  },
  {
    route: 'GET /admin/followers',
    ...administrator,
    query: { limit: '1', after: `A.${'A'.repeat(22)}` },
    status: 200,
  },
  { route: 'GET /revocations/snapshot', caller: 'follower', status: 200 },
  {
    route: 'GET /revocations/stream',
    caller: 'follower',
    query: { after: gonePosition },
    status: 410,
  },
  ...inertPageRequests,
  ...inertStreamRequests,
  { route: 'GET /.well-known/jwks.json', status: 200 },
  { route: 'GET /.well-known/revocation-keys.json', status: 200 },
  { route: 'GET /.well-known/oauth-authorization-server', status: 200 },
  { route: 'GET /openapi.json', status: 200 },
  { route: 'GET /docs', status: 200 },
  { route: 'GET /console', status: 308 },
  { route: 'GET /console/', status: 200 },
  { route: 'GET /console/assets/:file', status: 404 },
]
