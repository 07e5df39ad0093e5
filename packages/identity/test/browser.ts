import assert from 'node:assert/strict'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice } from './running-identity.ts'

export const refreshCookieName = '__Host-portcullis_refresh'

/** The fields that every browser adds to what a page of the issuer sends. */
export type PageFields = Readonly<Record<string, string>>

/** One that has a page of the issuer open, and keeps the one cookie that it gets. */
export interface Browser {
  /** The refresh token in the cookie. */
  readonly cookie: () => string | undefined
  /** Puts another value there, as if somebody had planted it. */
  readonly plant: (value: string | undefined) => void
  readonly signIn: (credentials?: {
    readonly identifier: string
    readonly password: string
  }) => Promise<Answer>
  readonly refresh: (more?: Readonly<Record<string, string>>) => Promise<Answer>
  readonly logout: (path?: '/logout' | '/logout/everywhere') => Promise<Answer>
}

export function openBrowser(
  identity: RunningIdentity,
  pageFields: PageFields = { origin: identity.issuer, 'sec-fetch-site': 'same-origin' },
): Browser {
  let kept: string | undefined
  const post = async (path: string, type: string, body?: string): Promise<Answer> => {
    const headers = {
      ...pageFields,
      ...(kept === undefined ? {} : { cookie: `theme=dark; ${refreshCookieName}=${kept}` }),
      ...(body === undefined ? {} : { 'content-type': type }),
    }
    const asked = { method: 'POST', path, headers }
    const answer = await identity.ask(body === undefined ? asked : { ...asked, body })
    const set = setCookieOf(answer)
    if (set !== undefined) kept = set.maxAgeSeconds === 0 ? undefined : set.value
    return answer
  }
  return {
    cookie: () => kept,
    plant: (value) => (kept = value),
    signIn: ({ identifier, password } = alice) => {
      const members = { identifier, password, delivery: 'cookie', audience: identity.issuer }
      return post('/login', 'application/json', JSON.stringify(members))
    },
    refresh: (more = {}) => {
      const form = new URLSearchParams({ grant_type: 'refresh_token', ...more })
      return post('/token', 'application/x-www-form-urlencoded', form.toString())
    },
    logout: (path = '/logout') => post(path, 'application/json'),
  }
}

export interface SetCookie {
  readonly value: string
  readonly maxAgeSeconds: number
}

/** Reads the one cookie of an answer, which must have exactly the form that the documentation promises. */
export function setCookieOf({ headers }: Answer): SetCookie | undefined {
  const [field, ...others] = headers['set-cookie'] ?? []
  if (field === undefined) return undefined
  assert.deepEqual(others, [])
  const [, value = '', maxAge = ''] = promised.exec(field) ?? assert.fail(`not promised: ${field}`)
  return { value, maxAgeSeconds: Number(maxAge) }
}

const promised =
  /^__Host-portcullis_refresh=([^;]*); Max-Age=(\d+); Path=\/; HttpOnly; Secure; SameSite=Strict$/
