import { actionOutcomes } from '../../domain/anomalies/anomalies.ts'
import { grantNames } from '../../domain/registry.ts'
import type { Answer, JsonSchema } from './operation.ts'
import { listOf, named, objectOf } from './operation.ts'

/*
 * What stands in answers. A member that is not listed here is a mistake, which every test that asks a running
 * identity would notice (`test/api-answers.ts`).
 */

export const text = { type: 'string' } as const
const texts = listOf(text)
export const wholeNumber = { type: 'integer', minimum: 0 } as const
export const truth = { type: 'boolean' } as const
export const instant = { type: 'string', format: 'date-time' } as const
const attributeValues = { type: 'object', additionalProperties: true } as const

const accessTokenMembers = {
  access_token: text,
  token_type: { enum: ['Bearer', 'DPoP'] },
  expires_in: { ...wholeNumber, description: 'seconds' },
  scope: { ...text, description: 'separated by spaces' },
} as const

const refreshTokenMembers = {
  refresh_token: { ...text, description: 'left out where it goes into the cookie' },
  refresh_expires_in: { ...wholeNumber, description: 'seconds' },
} as const

const revocation = named('RevocationPosition')

const clientMembers = {
  client_id: text,
  name: text,
  origin: { enum: ['file', 'store'] },
  enabled: truth,
  public: truth,
  authentication: { enum: ['none', 'client_secret', 'private_key_jwt'] },
  grants: listOf({ enum: grantNames }),
  audiences: texts,
  scopes: texts,
  created_at: instant,
} as const

const optionalClientMembers = {
  description: text,
  jwks: named('JwkSet'),
  secret_made_at: instant,
  former_secret_until: { ...instant, description: 'while two secrets are good' },
} as const

const anomalyMembers = {
  id: text,
  rule: text,
  severity: text,
  about: { enum: ['network', 'account', 'session', 'client', 'key', 'issuer'] },
  subject: {
    ...text,
    description: 'its id, or the network; `others`: what was too much to tell apart',
  },
  evidence: objectOf(
    {},
    {
      records: listOf({ ...text, description: '`<chain>:<seq>` of the audit record' }),
      networks: texts,
      accounts: texts,
      sessions: texts,
      followers: texts,
      reason: { ...text, description: 'why, where there are several anomalies of one subject' },
      counts: { type: 'object', additionalProperties: wholeNumber },
    },
  ),
  first_seen: instant,
  last_seen: instant,
  count: wholeNumber,
  decisions: {
    ...listOf(named('AuditEvent')),
    description: 'what was done about its subject since, the latest of each kind',
  },
} as const

const optionalAnomalyMembers = {
  suggested_action: text,
  action: { enum: actionOutcomes, description: 'what was done by itself' },
} as const

const software = {
  software: { ...text, description: '`verify`, `gateway`, `relay`, or what another calls itself' },
  version: text,
} as const

const problem = objectOf(
  { type: text, title: text, status: wholeNumber, code: text },
  { detail: text, errors: listOf(objectOf({ field: text, message: text })) },
)

/** Those that the document names. */
export const namedSchemas: Readonly<Record<string, JsonSchema>> = {
  Problem: { ...problem, description: 'A problem document (RFC 9457)' },
  OAuthError: {
    ...objectOf({ error: text }, { error_description: text }),
    description: 'RFC 6749, section 5.2',
  },
  RevocationPosition: {
    ...objectOf({ epoch: text, seq: wholeNumber }),
    description:
      'Where in the revocation log it stands: every service that has come this far refuses it',
  },
  Revoked: objectOf({ revocation }),
  AccessToken: objectOf(accessTokenMembers),
  ExchangedToken: objectOf({ ...accessTokenMembers, issued_token_type: text }),
  InactiveToken: objectOf({ active: { const: false } }),
  ActiveToken: {
    type: 'object',
    required: ['active', 'iss', 'sub', 'client_id', 'exp'],
    properties: { active: { const: true }, token_type: text, exp: wholeNumber },
    additionalProperties: true,
    description: 'The claims of an access token, or what is known of a refresh token',
  },
  SessionTokens: objectOf({ ...accessTokenMembers, session_id: text }, refreshTokenMembers),
  ChangedSession: {
    ...objectOf(
      { revocation },
      { ...accessTokenMembers, ...refreshTokenMembers, session_id: text },
    ),
    description: 'Without tokens when the session has ended since',
  },
  OwnSession: objectOf(
    {
      id: text,
      current: truth,
      bound: { ...truth, description: 'to a key, by DPoP' },
      client: text,
      created_at: instant,
      last_used_at: instant,
      expires_at: instant,
    },
    { device: text, browser: text, system: text, network: text },
  ),
  OwnAccount: objectOf(
    {
      id: text,
      identifier: text,
      email_verified: truth,
      roles: texts,
      attributes: attributeValues,
      created_at: instant,
      session: { ...text, description: 'the id of the session that asks' },
    },
    { email: text },
  ),
  Account: objectOf(
    {
      id: text,
      identifier: text,
      email_verified: truth,
      roles: texts,
      attributes: attributeValues,
      blocked: truth,
      unconfirmed: truth,
      created_at: instant,
    },
    { email: text, last_login_at: { ...instant, description: 'of one account alone' } },
  ),
  Session: objectOf(
    {
      id: text,
      account: objectOf({ id: text, identifier: text }),
      live: truth,
      bound: truth,
      client: text,
      created_at: instant,
      last_used_at: instant,
      expires_at: instant,
    },
    { device: text, browser: text, system: text, network: text, ended_at: instant },
  ),
  Client: objectOf(clientMembers, optionalClientMembers),
  ChangedClient: objectOf(clientMembers, { ...optionalClientMembers, revocation }),
  DecidedAccounts: objectOf({
    results: listOf(
      objectOf({
        id: text,
        outcome: { enum: ['ended', 'blocked', 'unknown', 'last-administrator'] },
      }),
    ),
    revocation,
  }),
  ImportResult: objectOf(
    { outcome: { enum: ['created', 'importable', 'exists', 'mistaken'] } },
    { id: text, identifier: text, errors: listOf(objectOf({ field: text, message: text })) },
  ),
  Key: objectOf(
    {
      kid: text,
      purpose: { enum: ['access-token', 'feed'] },
      algorithm: text,
      state: { enum: ['pending', 'active', 'retiring', 'destroyed', 'withdrawn'] },
    },
    {
      created_at: instant,
      activated_at: instant,
      retired_at: instant,
      destroyed_at: instant,
      withdrawn_at: instant,
      may_sign_at: {
        ...instant,
        description: 'of a pending key: from when on every copy of the key set has it',
      },
      rotates_at: {
        ...instant,
        description:
          'of an active key: when the next one follows it, unless that is asked for before',
      },
      kept_until: {
        ...instant,
        description: 'of a retiring key: when the last token that it can have signed is dead',
      },
    },
  ),
  AuditEvent: objectOf(
    { at: instant, kind: text },
    {
      term: { ...text, description: 'the kind in the OWASP Logging Vocabulary' },
      account: text,
      session: text,
      client: text,
      kid: text,
      actor: text,
      reason: text,
      network: text,
      details: { description: 'what else belongs to it' },
      chain: text,
      seq: wholeNumber,
      adopted: truth,
    },
  ),
  Anomaly: objectOf(anomalyMembers, optionalAnomalyMembers),
  AnomalyDetails: objectOf(
    { ...anomalyMembers, records: listOf(named('AuditEvent')) },
    optionalAnomalyMembers,
  ),
  AuditVerdict: objectOf(
    { ok: truth, chains: wholeNumber, records: wholeNumber },
    { first_bad: objectOf({ what: text }, { chain: text, seq: wholeNumber, id: wholeNumber }) },
  ),
  ReportPace: objectOf({
    spread_ms: {
      ...wholeNumber,
      description: 'what is new is reported after a random part of this time',
    },
    every_ms: { ...wholeNumber, description: 'by then the follower reports again' },
    counted: {
      ...truth,
      description: 'it may say as well what it has refused, and what time it is there',
    },
  }),
  Follower: objectOf(
    { follower: text, position: text, applied_at: instant, reported_at: instant },
    {
      client: text,
      max_staleness_seconds: wholeNumber,
      ...software,
      checkpoint_at: {
        ...instant,
        description: 'when its newest checkpoint was made, as of its last report',
      },
    },
  ),
  Receipts: objectOf(
    {
      position: text,
      committed_at: instant,
      everywhere: { ...truth, description: 'none of the live followers accepts it any more' },
      applied: wholeNumber,
      unknown: wholeNumber,
      refusing: { ...wholeNumber, description: 'silent, and stale by themselves since' },
      latencies: listOf(
        objectOf(
          { followers: wholeNumber },
          { up_to_ms: { ...wholeNumber, description: 'left out of the last: longer' } },
        ),
      ),
      followers: listOf(
        objectOf(
          { follower: text, state: { enum: ['applied', 'unknown', 'refusing'] } },
          {
            client: text,
            ...software,
            after_ms: {
              ...wholeNumber,
              description:
                'at the latest this long after the commit; left out where that is not known any more, or it began later',
            },
            until: { ...instant, description: 'from then on it refuses by itself' },
            reported_at: {
              ...instant,
              description: 'of one that has not said so: its last report',
            },
          },
        ),
      ),
    },
    { slowest_ms: wholeNumber, p50_ms: wholeNumber, p99_ms: wholeNumber },
  ),
  JwkSet: {
    ...objectOf({ keys: listOf({ type: 'object', additionalProperties: true }) }),
    description: 'RFC 7517, section 5',
  },
}

export const revoked: Answer = { description: 'It is so, for good', schema: named('Revoked') }

/** For people and their browsers, without script. */
export const page: Answer = { description: 'A page', mediaType: 'text/html', schema: text }
