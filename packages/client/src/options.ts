import { parseIssuer } from '@portcullis/protocol'
import { rejectUnknown, requireFunction, requireObject, requireText } from './closed-options.ts'
import type { Fetch } from './issuer-request.ts'
import type { Lock } from './session-lock.ts'
import { createDefaultLock } from './session-lock.ts'
import type { SessionStore } from './session-store.ts'
import { createMemoryStore } from './session-store.ts'

export interface ClientOptions {
  /** The issuer's identifier, exactly as its tokens carry it: https, or http on loopback. */
  readonly issuer: string
  /** Name or id of a public client. Default `web`, which every issuer has unless its operator says otherwise. */
  readonly clientId?: string
  /** What the access tokens are for. Default everything that the client may ask for. */
  readonly audience?: string | readonly string[]
  /** Scopes separated by a space (RFC 6749 section 3.3). Default all that the person has. */
  readonly scope?: string
  /** Where the session is kept. Default in memory: it ends with the page or the process. */
  readonly store?: SessionStore
  /** Excludes everyone who shares the store. Default Web Locks where they exist, else this client only. */
  readonly lock?: Lock
  /** Default the global `fetch`. */
  readonly fetch?: Fetch
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

export interface ClientSettings {
  readonly issuer: string
  readonly clientId: string
  readonly audience: string | readonly string[] | undefined
  readonly scope: string | undefined
  readonly store: SessionStore
  readonly lock: Lock
  readonly fetch: Fetch
  readonly now: () => number
}

/** Checks and copies the options. A name or value that is not expected is a TypeError naming it. */
export function parseOptions(options: ClientOptions): ClientSettings {
  requireObject(options, 'options')
  const {
    issuer,
    clientId = 'web',
    audience,
    scope,
    store = createMemoryStore(),
    lock = createDefaultLock(),
    // Not `globalThis.fetch` itself: browsers refuse to run it as another object's method.
    fetch = (url, init) => globalThis.fetch(url, init),
    now = Date.now,
    ...unknown
  } = options
  rejectUnknown(unknown, 'option')
  return Object.freeze({
    issuer: requireIssuer(issuer),
    clientId: requireText(clientId, 'option "clientId"'),
    audience: audience === undefined ? undefined : requireAudience(audience),
    scope: scope === undefined ? undefined : requireText(scope, 'option "scope"'),
    store: requireStore(store),
    lock: requireFunction(lock, 'option "lock"'),
    fetch: requireFunction(fetch, 'option "fetch"'),
    now: requireFunction(now, 'option "now"'),
  })
}

function requireIssuer(value: unknown): string {
  const parsed = parseIssuer(requireText(value, 'option "issuer"'))
  if (parsed.kind === 'issuer') return parsed.issuer
  throw new TypeError(`option "issuer" must be the URL of the issuer: ${parsed.why}`)
}

function requireAudience(value: unknown): string | readonly string[] {
  if (!Array.isArray(value)) return requireText(value, 'option "audience"')
  if (value.length === 0) throw new TypeError('option "audience" must name at least one audience')
  return Object.freeze(value.map((name) => requireText(name, 'option "audience"')))
}

function requireStore(value: SessionStore): SessionStore {
  requireObject(value, 'option "store"')
  requireFunction(value.read, 'option "store.read"')
  requireFunction(value.write, 'option "store.write"')
  return value
}
