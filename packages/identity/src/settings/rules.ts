import { parseIssuer } from '@portcullis/protocol'
import type { Environment } from '@portcullis/runtime'
import type { AutomaticAction } from '../domain/anomalies/rules.ts'
import { isRuleId, rulesThatMay } from '../domain/anomalies/rules.ts'
import { foldCase } from '../domain/case-folding.ts'
import { hashCostFault } from '../domain/hash-cost.ts'
import { parseNetwork } from '@portcullis/runtime/networks'
import { tokenPlaceholder } from '../domain/account-links.ts'
import { parseEmailAddress } from '../domain/email-addresses.ts'
import { countCodePoints, wordCodePointsMin } from '../domain/password-rules.ts'
import { isLoopback } from './loopback.ts'
import { parseSmtpUrl } from './smtp-url.ts'
import type { IdentityValues, SettingPath } from './table.ts'
import { threadsOf, threadsVariable } from './thread-pool.ts'
import { readWordFile } from './word-file.ts'

/** What the schema of one value cannot say: what it must mean, and what must fit together. */
export interface Rule {
  /** Looked at only when each of these is right by itself. */
  readonly of: readonly [SettingPath, ...SettingPath[]]
  /** What is wrong, in words that fit behind the name of any of them. */
  readonly faultOf: (values: IdentityValues, environment: Environment) => string | undefined
}

export const rules: readonly Rule[] = [
  { of: ['issuer'], faultOf: ({ issuer }) => issuerFault(issuer) },
  {
    of: ['issuer', 'listen.tls.certificateFile'],
    faultOf: ({ issuer, listen }) =>
      listen.tls.certificateFile !== undefined && issuer.startsWith('http:')
        ? 'does not fit: a listener with TLS has an https issuer'
        : undefined,
  },
  {
    of: ['listen.tls.certificateFile', 'listen.tls.keyFile'],
    faultOf: ({ listen: { tls } }) =>
      (tls.certificateFile === undefined) === (tls.keyFile === undefined)
        ? undefined
        : 'is alone: TLS needs certificateFile and keyFile',
  },
  {
    of: ['listen.host', 'listen.tls.certificateFile', 'dangerouslyPlainHttp'],
    faultOf: ({ listen, dangerouslyPlainHttp }) =>
      listen.tls.certificateFile !== undefined || dangerouslyPlainHttp || isLoopback(listen.host)
        ? undefined
        : 'is not on loopback, where plain http is refused: set listen.tls, or dangerouslyPlainHttp if a proxy in the same private network terminates TLS',
  },
  {
    of: ['trustedProxies'],
    faultOf: ({ trustedProxies }) => entryFault(trustedProxies, networkFault),
  },
  {
    of: ['streams.reachableNetworks'],
    faultOf: ({ streams }) => entryFault(streams.reachableNetworks, networkFault),
  },
  {
    of: ['tracing.endpoint'],
    faultOf: ({ tracing: { endpoint } }) =>
      endpoint === undefined ? undefined : collectorFault(endpoint),
  },
  {
    of: ['allowedOrigins'],
    faultOf: ({ allowedOrigins }) => entryFault(allowedOrigins, originFault),
  },
  {
    of: ['sessionIdleSeconds', 'sessionSeconds'],
    faultOf: ({ sessionIdleSeconds, sessionSeconds }) =>
      sessionIdleSeconds <= sessionSeconds
        ? undefined
        : `does not fit: sessionIdleSeconds (${sessionIdleSeconds}) is longer than sessionSeconds (${sessionSeconds})`,
  },
  {
    of: ['mail.smtpUrl', 'mail.dangerouslyPlainSmtp'],
    faultOf: ({ mail }) => mailServerFault(mail),
  },
  { of: ['mail.from', 'mail.smtpUrl'], faultOf: ({ mail }) => senderFault(mail) },
  { of: ['nats.servers'], faultOf: ({ nats }) => entryFault(nats.servers, natsServerFault) },
  {
    of: ['nats.stream'],
    faultOf: ({ nats }) =>
      /^[A-Za-z0-9_-]{1,64}$/.test(nats.stream)
        ? undefined
        : 'may have letters, digits, - and _, 64 of them at most',
  },
  {
    of: ['anomalies.alertFor'],
    faultOf: ({ anomalies }) => actionFault(anomalies.alertFor, 'alert'),
  },
  {
    of: ['anomalies.endSessionFor'],
    faultOf: ({ anomalies }) => actionFault(anomalies.endSessionFor, 'end-session'),
  },
  {
    of: ['anomalies.dangerouslyBlockAccountFor'],
    faultOf: ({ anomalies }) => actionFault(anomalies.dangerouslyBlockAccountFor, 'block-account'),
  },
  { of: ['links.reset'], faultOf: ({ links }) => linkFault(links.reset) },
  { of: ['links.verifyEmail'], faultOf: ({ links }) => linkFault(links.verifyEmail) },
  {
    of: ['passwords.contextWords'],
    faultOf: ({ passwords }) => entryFault(passwords.contextWords, contextWordFault),
  },
  {
    of: ['passwords.wordFile'],
    faultOf: ({ passwords }) => wordFileFault(passwords.wordFile),
  },
  {
    of: ['passwords.breached.baseUrl'],
    faultOf: ({ passwords }) => breachServiceFault(passwords.breached.baseUrl),
  },
  {
    of: ['passwords.hashCost.memoryKib', 'passwords.hashCost.passes', 'passwords.hashCost.lanes'],
    faultOf: ({ passwords }) => costFault(passwords.hashCost),
  },
  {
    of: ['passwords.hashesRunningMax'],
    faultOf: ({ passwords }, environment) =>
      threadsFault(passwords.hashesRunningMax, threadsOf(environment)),
  },
]

/** What strangers can cause must not be turned against others. */
function actionFault(ids: readonly string[], action: AutomaticAction): string | undefined {
  const allowed = rulesThatMay(action)
  return entryFault(ids, (id) =>
    isRuleId(id) && allowed.includes(id) ? undefined : `may be one of ${allowed.join(', ')}`,
  )
}

function contextWordFault(word: string): string | undefined {
  return countCodePoints(foldCase(word)) < wordCodePointsMin
    ? `is too short: names of fewer than ${wordCodePointsMin} characters are in too many words`
    : undefined
}

function wordFileFault(path: string | undefined): string | undefined {
  const read = path === undefined ? undefined : readWordFile(path)
  return read?.kind === 'faulty' ? `names a file that ${read.why}` : undefined
}

/** The prefix of a hash must not be read on its way, and no answer be changed. */
function breachServiceFault(baseUrl: string | undefined): string | undefined {
  if (baseUrl === undefined) return undefined
  const url = URL.parse(baseUrl)
  if (!isSecureUrl(url)) return 'must be an https URL, or http on loopback, without user info'
  return url.search === '' && url.hash === '' && !/\/range\/?$/.test(url.pathname)
    ? undefined
    : 'must end before /range, and have no query'
}

function costFault(cost: IdentityValues['passwords']['hashCost']): string | undefined {
  const fault = hashCostFault(cost)
  const { memoryKib, passes, lanes } = cost
  return fault && `does not fit: ${memoryKib} KiB, ${passes} passes and ${lanes} lanes ${fault}`
}

function threadsFault(runningMax: number | undefined, threads: number): string | undefined {
  // A pool of one thread can still hash.
  if (runningMax === undefined || runningMax === 1 || runningMax < threads) return undefined
  return (
    `must be less than the ${threads} threads there are, or files and DNS wait for hashes: ` +
    `set ${threadsVariable}=${runningMax + 1} in the environment, or let at most ${Math.max(threads - 1, 1)} run`
  )
}

function mailServerFault({
  smtpUrl,
  dangerouslyPlainSmtp,
}: IdentityValues['mail']): string | undefined {
  if (smtpUrl === undefined) return undefined
  const parsed = parseSmtpUrl(smtpUrl, dangerouslyPlainSmtp)
  return parsed.kind === 'malformed' ? parsed.why : undefined
}

function senderFault({ from, smtpUrl }: IdentityValues['mail']): string | undefined {
  if (from === undefined) return smtpUrl === undefined ? undefined : 'needs mail.from beside it'
  return parseEmailAddress(from).kind === 'malformed' ? 'is not an e-mail address' : undefined
}

function linkFault(template: string | undefined): string | undefined {
  if (template === undefined) return undefined
  const [before = '', ...others] = template.split(tokenPlaceholder)
  if (others.length !== 1 || !/[?#]/.test(before)) {
    return `must have ${tokenPlaceholder} once, in its query or (better) its fragment`
  }
  return isSecureUrl(URL.parse(template))
    ? undefined
    : 'must be an https URL, or http on loopback, without user info'
}

/** User and password have a file, and a connection over WebSocket another library. */
function natsServerFault(text: string): string | undefined {
  return /^(?:(?:nats|tls):\/\/)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/.test(text)
    ? undefined
    : 'is not host:port, nats://host:port or tls://host:port'
}

function isSecureUrl(url: URL | null): url is URL {
  const isSecure =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  return isSecure && url.username === '' && url.password === ''
}

/** What else it has to say to a collector comes from `OTEL_EXPORTER_OTLP_HEADERS`. */
function collectorFault(text: string): string | undefined {
  const url = URL.parse(text)
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  const isPlain = isHttp && url.username === '' && url.password === '' && url.hash === ''
  return isPlain ? undefined : 'must be an http or https URL without a user'
}

function issuerFault(text: string): string | undefined {
  const parsed = parseIssuer(text)
  if (parsed.kind === 'malformed') return `is not an issuer: ${parsed.why}`
  // Routes are mounted below this path, and other characters would be a pattern there.
  return /^[\w.~/-]*$/.test(new URL(text).pathname)
    ? undefined
    : 'may have letters, digits and -._~ in its path, and nothing else'
}

function entryFault(
  entries: readonly string[],
  faultOf: (entry: string) => string | undefined,
): string | undefined {
  const faults = entries.map((entry, index) => ({ fault: faultOf(entry), number: index + 1 }))
  const first = faults.find(({ fault }) => fault !== undefined)
  return first === undefined ? undefined : `has a mistake: entry ${first.number} ${first.fault}`
}

function networkFault(text: string): string | undefined {
  const parsed = parseNetwork(text)
  return parsed.kind === 'malformed' ? parsed.why : undefined
}

/** RFC 6454 section 6.2: compared with what a browser sends, so only that one spelling will do. */
function originFault(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || url.origin !== text || text.includes('*')) {
    return 'is not an origin as browsers send it, such as https://shop.example'
  }
  const isSecure = url.protocol === 'https:' || isLoopback(url.hostname)
  return isSecure && /^https?:$/.test(url.protocol)
    ? undefined
    : 'must be https, or http on loopback'
}
