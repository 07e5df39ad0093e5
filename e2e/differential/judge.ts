import type { Field, Message } from './messages.ts'
import { listOf, valuesOf } from './messages.ts'
import type { KnownToken, TokenBook } from './tokens.ts'
import type { Rule, ServiceName } from './world.ts'
import { bodyOctetsMax, identityHeaders, rules } from './world.ts'

/*
 * What must become of a request, by RFC 9110, RFC 9112 and what the README of the gateway promises. Written without a
 * look at the gateway's code, and with none of it.
 */
export type Verdict =
  | { readonly kind: 'refused'; readonly statuses: readonly number[]; readonly why: string }
  | Forwarded

export interface Forwarded {
  readonly kind: 'forwarded'
  readonly service: ServiceName
  readonly target: string
  /** The fields of the client that go on, in their order and spelling. */
  readonly kept: readonly Field[]
  /** What the gateway says itself: of each name exactly one, with this value. */
  readonly own: ReadonlyMap<string, string>
  /** Where the client's goes on; otherwise the gateway makes one. */
  readonly requestId: string | undefined
}

/** Every fault is looked for, because the first one that the gateway finds is its own business. */
export function judge(message: Message, tokens: TokenBook): Verdict {
  const faults: [status: number, why: string][] = []
  const refuse = (status: number, why: string): void => void faults.push([status, why])
  const { method, target, fields } = message
  const hosts = valuesOf(fields, 'host')
  const [host = ''] = hosts
  if (hosts.length !== 1 || !isHost(host)) refuse(400, 'its host')
  if (!isTarget(target)) refuse(400, 'its target')
  if (valuesOf(fields, 'content-type').length > 1) refuse(400, 'two content types')
  if (valuesOf(fields, 'upgrade').length > 0) refuse(400, 'an upgrade')
  if (valuesOf(fields, 'expect').some((value) => value.toLowerCase() !== '100-continue')) {
    refuse(417, 'an expectation')
  }
  if (message.body.length > bodyOctetsMax) refuse(413, 'its body')
  const authorizations = valuesOf(fields, 'authorization')
  if (authorizations.length > 1) refuse(400, 'two tokens')
  const path = target.split('?', 1)[0] ?? ''
  const rule = path.startsWith('/_portcullis') ? undefined : findRule(host, path)
  if (rule === undefined) refuse(404, 'no route')
  else if (!allows(rule, method)) refuse(405, 'its method')
  const caller = rule && callerOf(rule, authorizations, tokens)
  if (typeof caller === 'number') refuse(caller, 'its token')
  // What no token is, or two of them, may be called malformed or unauthorized.
  if (caller === 401 && authorizations.length > 0) refuse(400, 'its token')
  if (faults.length > 0 || rule === undefined || typeof caller === 'number') {
    const why = faults.map(([, text]) => text).join(', ')
    return { kind: 'refused', statuses: faults.map(([status]) => status), why }
  }
  return {
    kind: 'forwarded',
    service: rule.service,
    target: rewritten(rule, target),
    kept: keptFields(fields),
    own: new Map([...ownFields(host, caller), ...traceFields(fields)]),
    requestId: requestIdOf(fields),
  }
}

/** RFC 3986 section 3.2.2 and 3.2.3, without a dot at the end and without escapes. */
function isHost(host: string): boolean {
  const [, name = '', port] = /^(.*?)(?::(\d{1,5}))?$/s.exec(host) ?? []
  if (port === undefined && /:\d*$/.test(host) && !host.endsWith(']')) return false
  if (name.startsWith('[')) return /^\[[\da-fA-F:.]+\]$/.test(name)
  return /^[\w.~!$&'()*+,=-]+$/.test(name) && !name.endsWith('.')
}

const unreserved = /[\w.~-]/
const literal = /[\w.~!$&'()*+,=:@/-]/
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What no two servers read differently; see "What it guarantees" in the README. */
export function isTarget(target: string): boolean {
  const at = target.indexOf('?')
  const path = at === -1 ? target : target.slice(0, at)
  const query = at === -1 ? '' : target.slice(at + 1)
  if (!path.startsWith('/') || query.includes('#')) return false
  const segments = path.split('/').slice(1)
  if (segments.some((segment) => segment === '.' || segment === '..')) return false
  if (segments.slice(0, -1).includes('')) return false
  return isPath(path)
}

function isPath(path: string): boolean {
  const octets: number[] = []
  for (let at = 0; at < path.length; at += 1) {
    const character = path.charAt(at)
    if (character !== '%') {
      if (!literal.test(character)) return false
      octets.push(character.charCodeAt(0))
      continue
    }
    const digits = path.slice(at + 1, at + 3)
    if (!/^[\da-fA-F]{2}$/.test(digits)) return false
    const octet = Number.parseInt(digits, 16)
    const sign = String.fromCharCode(octet)
    if (octet < 0x20 || octet === 0x7f || '/\\;?#'.includes(sign)) return false
    if (octet < 0x80 && unreserved.test(sign)) return false
    if (sign === '%' && /^(?:[\da-fA-F]{2}|u)/i.test(path.slice(at + 3))) return false
    octets.push(octet)
    at += 2
  }
  try {
    utf8.decode(Uint8Array.from(octets))
    return true
  } catch {
    return false
  }
}

function findRule(host: string, path: string): Rule | undefined {
  const [, name = '', port] = /^(.*?)(?::(\d+))?$/s.exec(host.toLowerCase()) ?? []
  const withPort = port === undefined ? name : `${name}:${Number(port)}`
  const hosts = [withPort, name]
  const named = hosts.find((one) => rules.some((rule) => rule.host === one))
  return rules.find((rule) => rule.host === named && fits(rule.match, path))
}

function fits(match: string, path: string): boolean {
  if (!match.endsWith('/*')) return path === match
  const prefix = match.slice(0, -2)
  return path === prefix || path.startsWith(`${prefix}/`)
}

function allows({ methods }: Rule, method: string): boolean {
  return methods === undefined
    ? method !== 'TRACE' && method !== 'CONNECT'
    : methods.includes(method)
}

/** Who calls; nobody; or the status of the refusal. */
function callerOf(
  { auth = {} }: Rule,
  authorizations: readonly string[],
  tokens: TokenBook,
): KnownToken | undefined | 401 | 403 {
  const { mode = 'required', scope = [], roles } = auth
  if (mode === 'none') return undefined
  const [authorization] = authorizations
  if (authorization === undefined) return mode === 'optional' ? undefined : 401
  const [, text = ''] = /^bearer ([\w.~+/-]+=*)$/i.exec(authorization) ?? []
  const caller = tokens.factsOf(text)
  if (caller === undefined) return 401
  const has = caller.scope?.split(' ') ?? []
  if (!scope.every((one) => has.includes(one))) return 403
  if (roles !== undefined && !roles.some((role) => caller.roles?.includes(role))) return 403
  return caller
}

function rewritten({ match, rewrite }: Rule, target: string): string {
  if (rewrite === undefined) return target
  const rest = target.slice(match.length - 2)
  const path = rewrite.slice(0, -2) + rest
  return path.startsWith('/') ? path : `/${path}`
}

/** What servers behind CGI and the like make of a name. */
function aliasOf(name: string): string {
  return Array.from(name.toLowerCase(), (sign) => (/[a-z\d]/.test(sign) ? sign : '-')).join('')
}

const aliases = (...names: readonly string[]): ReadonlySet<string> => new Set(names.map(aliasOf))

/** RFC 9110 section 7.6.1, and what older software says to the next hop. */
const ofThisHop = aliases(
  'Connection',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Expect',
  'HTTP2-Settings',
  'Proxy',
  'Proxy-Connection',
  'Proxy-Authorization',
  'Proxy-Authenticate',
)
const ofProxies = aliases(
  'Forwarded',
  'X-Forwarded',
  'X-Real-IP',
  'True-Client-IP',
  'CF-Connecting-IP',
  'X-Client-IP',
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
)
const ofProxiesBegin = ['x-forwarded-', 'x-original-', 'x-rewrite-', 'x-envoy-']
const identity = aliases(
  ...Object.values(identityHeaders),
  'X-Auth-Subject',
  'X-Auth-Roles',
  'X-Auth-Scope',
  'X-Auth-Session',
)
/** No Connection removes them, and no alias speaks for them. */
const steady: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'host',
])

/** What ends at the gateway whatever it says. */
function endsHere(name: string): boolean {
  const alias = aliasOf(name)
  return (
    ofThisHop.has(alias) ||
    ofProxies.has(alias) ||
    ofProxiesBegin.some((beginning) => alias.startsWith(beginning)) ||
    identity.has(alias) ||
    alias === 'x-request-id' ||
    (steady.has(alias) && alias !== name)
  )
}

/** What goes on by rules of its own. */
const managed: ReadonlySet<string> = new Set([
  'content-length',
  'host',
  'traceparent',
  'tracestate',
])

function keptFields(fields: readonly Field[]): Field[] {
  const named = new Set(listOf(fields, 'connection').filter((name) => !steady.has(name)))
  return fields.filter(({ name }) => !named.has(name) && !endsHere(name) && !managed.has(name))
}

function ownFields(host: string, caller: KnownToken | undefined): ReadonlyMap<string, string> {
  const own = new Map([
    ['host', host],
    ['x-forwarded-for', '127.0.0.1'],
    ['x-forwarded-proto', 'http'],
    ['x-forwarded-host', host],
  ])
  if (caller === undefined) return own
  const { subject, roles, scope, session } = caller
  const values = {
    subject: escaped(subject),
    roles: roles?.map(escaped).join(','),
    scope,
    session: session && escaped(session),
  }
  for (const [claim, name] of Object.entries(identityHeaders)) {
    const value = values[claim as keyof typeof values]
    if (value !== undefined) own.set(name.toLowerCase(), value)
  }
  return own
}

/** https://www.w3.org/TR/trace-context/, sections 3.2 and 3.3. */
function traceFields(fields: readonly Field[]): [name: string, value: string][] {
  const [parent = '', ...others] = valuesOf(fields, 'traceparent')
  const [, trace, span] = /^00-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}$/.exec(parent) ?? []
  if (others.length > 0 || trace === undefined || span === undefined) return []
  if (!/[^0]/.test(trace) || !/[^0]/.test(span)) return []
  const members = valuesOf(fields, 'tracestate')
    .flatMap((value) => value.split(',').map((member) => member.trim()))
    .filter((member) => member !== '')
  const keys = new Set(members.map((member) => member.split('=', 1)[0]))
  const isSound =
    members.length > 0 &&
    members.length <= 32 &&
    keys.size === members.length &&
    members.every((member) => /^[a-z][a-z\d]*=\w+$/.test(member))
  return [
    ['traceparent', parent],
    ...(isSound ? [['tracestate', members.join()] as [string, string]] : []),
  ]
}

/** Outside visible ASCII, and `%` and the comma, as UTF-8. */
function escaped(text: string): string {
  return Array.from(text, (sign) => {
    if (/[\x21-\x7e]/.test(sign) && sign !== '%' && sign !== ',') return sign
    const octets = Array.from(new TextEncoder().encode(sign), (octet) => octet.toString(16))
    return octets.map((digits) => `%${digits.toUpperCase().padStart(2, '0')}`).join('')
  }).join('')
}

function requestIdOf(fields: readonly Field[]): string | undefined {
  const ids = valuesOf(fields, 'x-request-id')
  const [id = ''] = ids
  return ids.length === 1 && /^[\w.-]{1,128}$/.test(id) ? id : undefined
}
