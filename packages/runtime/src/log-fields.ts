/** What a line of the log may have: `docs/logs.md` is this table, and a test holds the two together. */
export interface LogField {
  readonly type: 'text' | 'number' | 'boolean' | 'list' | 'object'
  /** Of a number that is no count. */
  readonly unit?: 'ms' | 's' | 'HTTP status'
  /** Whose lines have it; a relay is a part of the gateway here. */
  readonly of: 'all' | 'identity' | 'gateway'
  readonly meaning: string
}

/**
 * The vocabulary of the log: one name for one thing, in every process. A member that is not here is not written, so
 * that nothing gets there because somebody forgot what else an object holds.
 */
export const logFields: Readonly<Record<string, LogField>> = {
  // what happened
  event: {
    type: 'text',
    of: 'identity',
    meaning: 'the name of the OWASP Logging Vocabulary ([which](audit.md))',
  },
  outcome: { type: 'text', of: 'identity', meaning: 'how it ended, a code' },
  reason: {
    type: 'text',
    of: 'all',
    meaning: 'why a request was refused, a code ([which](#reasons)); or why a key cannot be opened',
  },
  code: {
    type: 'text',
    of: 'all',
    meaning:
      'of an error: that of a problem, of a `VerifyError`, or of the system, such as `ECONNREFUSED`',
  },
  detail: { type: 'text', of: 'all', meaning: 'what is wrong, in words for the operator' },
  cause: { type: 'text', of: 'gateway', meaning: 'what is behind that, in words for the operator' },
  err: {
    type: 'object',
    of: 'all',
    meaning:
      'an error that nobody expected: `type`, `message`, `stack`, and what else it has, but for members that may hold a secret',
  },
  mistakes: {
    type: 'list',
    of: 'gateway',
    meaning: 'what is wrong with files, each with its place',
  },
  leftOut: {
    type: 'list',
    of: 'all',
    meaning: 'names that are not in this table; their values were not written. Please report it',
  },
  // one request
  requestId: {
    type: 'text',
    of: 'all',
    meaning:
      'of the request: `X-Request-Id` where a client, or the gateway, has sent a harmless one, or a new one',
  },
  traceId: {
    type: 'text',
    of: 'all',
    meaning: 'the trace that the request belongs to ([traces](traces.md))',
  },
  method: {
    type: 'text',
    of: 'all',
    meaning: 'of the request; where a proxy asks about one, of that one',
  },
  route: {
    type: 'text',
    of: 'all',
    meaning: 'the pattern of the route, in the gateway its `match`; never a path',
  },
  status: { type: 'number', unit: 'HTTP status', of: 'all', meaning: 'of the answer' },
  durationMs: {
    type: 'number',
    unit: 'ms',
    of: 'all',
    meaning: 'from the headers of the request to the end of its answer',
  },
  complete: { type: 'boolean', of: 'gateway', meaning: 'whether the answer was sent to its end' },
  forwardAuth: {
    type: 'boolean',
    of: 'gateway',
    meaning: 'a proxy has asked about the request ([forward-auth](forward-auth.md))',
  },
  tries: {
    type: 'number',
    of: 'gateway',
    meaning: 'how often the request was sent to a service, where that is more than once',
  },
  network: {
    type: 'text',
    of: 'gateway',
    meaning: 'where the request came from, and only where its network has asked too much',
  },
  subject: {
    type: 'text',
    of: 'gateway',
    meaning: 'the `sub` of the token: the id of an account or of a client',
  },
  // who and what
  accountId: { type: 'text', of: 'identity', meaning: 'the account that it is about' },
  sessionId: { type: 'text', of: 'identity', meaning: 'the session that it is about' },
  clientId: {
    type: 'text',
    of: 'identity',
    meaning: 'the client that it is about, or that has asked',
  },
  actor: { type: 'text', of: 'identity', meaning: 'the account of the administrator who did it' },
  streamId: {
    type: 'text',
    of: 'identity',
    meaning: 'the stream of security events ([webhooks](webhooks.md))',
  },
  streamStatus: { type: 'text', of: 'identity', meaning: 'what its receiver has set it to' },
  grantType: { type: 'text', of: 'identity', meaning: 'what `/token` was asked for' },
  counter: {
    type: 'text',
    of: 'identity',
    meaning: 'what has counted the tries of somebody who has to wait',
  },
  counterId: {
    type: 'text',
    of: 'identity',
    meaning: 'eight characters of the hash by which it is counted: the same for the same one',
  },
  audience: { type: 'text', of: 'all', meaning: 'the service that a token is for' },
  algorithm: { type: 'text', of: 'identity', meaning: 'what tokens are signed with' },
  anomalyId: { type: 'number', of: 'identity', meaning: 'the [anomaly](anomalies.md)' },
  rule: { type: 'text', of: 'identity', meaning: 'the rule that has found it' },
  severity: {
    type: 'text',
    of: 'identity',
    meaning: 'how bad it is: `notice`, `warning`, `critical`',
  },
  about: {
    type: 'text',
    of: 'identity',
    meaning: 'what kind of thing it is about, such as `account`',
  },
  aboutId: { type: 'text', of: 'identity', meaning: 'the id of that, or the network' },
  evidence: { type: 'object', of: 'identity', meaning: 'what the rule has seen' },
  // how many
  accounts: { type: 'number', of: 'identity', meaning: 'accounts that were decided about' },
  created: { type: 'number', of: 'identity', meaning: 'accounts that were imported' },
  events: { type: 'number', of: 'identity', meaning: 'security events that were dropped' },
  adopted: {
    type: 'number',
    of: 'identity',
    meaning: 'events that were taken into the audit record late',
  },
  pruned: { type: 'number', of: 'identity', meaning: 'audit records that were taken away' },
  resealed: { type: 'number', of: 'identity', meaning: 'secrets that are sealed anew' },
  failures: { type: 'number', of: 'all', meaning: 'how often it has failed in a row' },
  connections: { type: 'number', of: 'gateway', meaning: 'connections that there may be' },
  routes: { type: 'number', of: 'gateway', meaning: 'routes of the settings file' },
  workers: { type: 'number', of: 'gateway', meaning: 'processes that share a port' },
  // the audit record
  auditAnchor: {
    type: 'text',
    of: 'identity',
    meaning: 'the end of a chain of the [audit record](audit.md), to be kept elsewhere',
  },
  chains: { type: 'number', of: 'identity', meaning: 'chains that were verified' },
  records: { type: 'number', of: 'identity', meaning: 'records that were verified' },
  what: { type: 'text', of: 'identity', meaning: 'what does not hold in it' },
  chain: { type: 'text', of: 'identity', meaning: 'the chain where it does not' },
  seq: { type: 'number', of: 'identity', meaning: 'the place in that chain' },
  id: { type: 'number', of: 'identity', meaning: 'the row of the table' },
  broken: { type: 'list', of: 'identity', meaning: 'chains that do not hold, and are kept' },
  // keys and certificates
  kid: { type: 'text', of: 'identity', meaning: 'a signing key that cannot be opened' },
  kids: { type: 'list', of: 'identity', meaning: 'signing keys that it is about' },
  rotated: { type: 'list', of: 'identity', meaning: 'keys that sign from now on' },
  retired: { type: 'list', of: 'identity', meaning: 'keys of algorithms that nobody uses' },
  destroyed: { type: 'list', of: 'identity', meaning: 'keys whose private half was erased' },
  pepper: { type: 'text', of: 'identity', meaning: 'the id of a pepper, not the pepper' },
  names: { type: 'text', of: 'gateway', meaning: 'what a certificate is for' },
  validUntil: { type: 'text', of: 'all', meaning: 'the end of a certificate, in ISO 8601' },
  fingerprint256: { type: 'text', of: 'gateway', meaning: 'of a certificate, SHA-256' },
  // times
  waitMs: { type: 'number', unit: 'ms', of: 'identity', meaning: 'how long it waits' },
  aheadMs: {
    type: 'number',
    unit: 'ms',
    of: 'identity',
    meaning: 'how far the time of the revocation log is ahead of the clock',
  },
  passedMs: {
    type: 'number',
    unit: 'ms',
    of: 'all',
    meaning: 'how long a step is under way that should be over',
  },
  livedMs: { type: 'number', unit: 'ms', of: 'gateway', meaning: 'how long a worker has lived' },
  restartMs: {
    type: 'number',
    unit: 'ms',
    of: 'gateway',
    meaning: 'when another one takes its place; absent: none does',
  },
  retrySeconds: {
    type: 'number',
    unit: 's',
    of: 'gateway',
    meaning: 'how long a service is left out before it is asked again',
  },
  overlapSeconds: {
    type: 'number',
    unit: 's',
    of: 'identity',
    meaning: 'how long two secrets of a client are good',
  },
  stopSecondsMax: { type: 'number', unit: 's', of: 'all', meaning: 'how long a stop may take' },
  // the process and its surroundings
  host: { type: 'text', of: 'gateway', meaning: 'the address that it listens on' },
  port: { type: 'number', of: 'all', meaning: 'the port that it listens on' },
  operationsPort: { type: 'number', of: 'gateway', meaning: 'the port of the operations listener' },
  issuer: { type: 'text', of: 'all', meaning: 'the issuer whose tokens it is about' },
  database: { type: 'text', of: 'identity', meaning: 'the store, without its password' },
  file: { type: 'text', of: 'gateway', meaning: 'the file that it is about' },
  variable: {
    type: 'text',
    of: 'identity',
    meaning: 'the environment variable that it is about; never its value',
  },
  mode: { type: 'text', of: 'identity', meaning: 'the permissions of a secret file' },
  needsRestart: {
    type: 'list',
    of: 'gateway',
    meaning: 'members of the settings file that wait for a restart',
  },
  signal: { type: 'text', of: 'all', meaning: 'the signal that was sent' },
  worker: { type: 'number', of: 'gateway', meaning: 'which of several workers it is' },
  how: {
    type: 'text',
    of: 'gateway',
    meaning: 'the exit code or the signal that has ended a worker',
  },
  upstream: { type: 'text', of: 'gateway', meaning: 'the origin of a service, as the file has it' },
  next: { type: 'text', of: 'gateway', meaning: 'the origin that the request is sent to now' },
  endpoint: { type: 'text', of: 'all', meaning: 'where spans go' },
  responseCode: { type: 'number', of: 'identity', meaning: 'what a mail server has answered' },
}
