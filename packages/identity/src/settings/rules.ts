import { parseIssuer } from '@portcullis/protocol'
import { canonicalAddress, parseNetwork } from '../domain/networks.ts'
import { tokenPlaceholder } from '../domain/account-links.ts'
import { parseEmailAddress } from '../domain/email-addresses.ts'
import { parseSmtpUrl } from './smtp-url.ts'
import type { IdentityValues, SettingPath } from './table.ts'

/** What the schema of one value cannot say: what it must mean, and what must fit together. */
export interface Rule {
  /** Looked at only when each of these is right by itself. */
  readonly of: readonly [SettingPath, ...SettingPath[]]
  /** What is wrong, in words that fit behind the name of any of them. */
  readonly faultOf: (values: IdentityValues) => string | undefined
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
  { of: ['links.reset'], faultOf: ({ links }) => linkFault(links.reset) },
  { of: ['links.verifyEmail'], faultOf: ({ links }) => linkFault(links.verifyEmail) },
]

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
  const parsed = parseEmailAddress(from)
  return parsed.kind === 'malformed' ? parsed.why : undefined
}

function linkFault(template: string | undefined): string | undefined {
  if (template === undefined) return undefined
  const [before = '', ...others] = template.split(tokenPlaceholder)
  if (others.length !== 1 || !/[?#]/.test(before)) {
    return `must have ${tokenPlaceholder} once, in its query or (better) its fragment`
  }
  const url = URL.parse(template)
  const isSafe =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && isLoopback(url.hostname.replaceAll(/[[\]]/g, '')))
  return isSafe && url.username === '' && url.password === ''
    ? undefined
    : 'must be an https URL, or http on loopback, without user info'
}

function issuerFault(text: string): string | undefined {
  const parsed = parseIssuer(text)
  if (parsed.kind === 'malformed') return `is not an issuer: ${parsed.why}`
  // Routes are mounted below this path, and other characters would be a pattern there.
  return /^[\w.~/-]*$/.test(new URL(text).pathname)
    ? undefined
    : 'may have letters, digits and -._~ in its path, and nothing else'
}

/** By its text alone: no name but this one is known to stay on the machine. */
function isLoopback(host: string): boolean {
  const address = canonicalAddress(host)
  return host === 'localhost' || address === '::1' || address?.startsWith('127.') === true
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
  const isSecure = url.protocol === 'https:' || isLoopback(url.hostname.replaceAll(/[[\]]/g, ''))
  return isSecure && /^https?:$/.test(url.protocol)
    ? undefined
    : 'must be https, or http on loopback'
}
