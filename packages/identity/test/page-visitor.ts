import assert from 'node:assert/strict'
import type { PageFields } from './browser.ts'
import { refreshCookieName, setCookieOf } from './browser.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice } from './running-identity.ts'

/** Somebody in front of a browser, who opens our pages, types and presses buttons. */
export interface Visitor {
  readonly cookie: () => string | undefined
  readonly plant: (value: string | undefined) => void
  /** Without redirects: what a page answers. */
  readonly open: (path: string, fields?: PageFields) => Promise<Answer>
  /** Presses a button of a page: sends its form with the hidden fields and what was typed. Follows nothing. */
  readonly press: (page: Answer, button: string, typed?: object) => Promise<Answer>
  /** The page that an answer leads to. */
  readonly follow: (answer: Answer) => Promise<Answer>
  readonly signIn: (credentials?: {
    readonly identifier: string
    readonly password: string
  }) => Promise<Answer>
}

export interface VisitorOptions {
  /** What the browser adds to what our pages send; default: as all of them do. */
  readonly pageFields?: PageFields
  readonly userAgent?: string
}

export function visit(
  identity: Pick<RunningIdentity, 'issuer' | 'ask'>,
  {
    pageFields = { origin: identity.issuer, 'sec-fetch-site': 'same-origin' },
    userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:155.0) Gecko/20100101 Firefox/155.0',
  }: VisitorOptions = {},
): Visitor {
  let kept: string | undefined
  const cookies = (): PageFields =>
    kept === undefined ? {} : { cookie: `${refreshCookieName}=${kept}` }
  const keep = (answer: Answer): Answer => {
    const set = setCookieOf(answer)
    if (set !== undefined) kept = set.maxAgeSeconds === 0 ? undefined : set.value
    return answer
  }
  const visitor: Visitor = {
    cookie: () => kept,
    plant: (value) => (kept = value),
    open: async (path, fields = {}) =>
      keep(
        await identity.ask({ path, headers: { 'user-agent': userAgent, ...cookies(), ...fields } }),
      ),
    press: async (page, button, typed = {}) => {
      const { action, hidden } = formWith(page, button)
      const form = new URLSearchParams(hidden)
      for (const [name, value] of Object.entries(typed)) form.set(name, String(value))
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        'user-agent': userAgent,
        ...cookies(),
        ...pageFields,
      }
      return keep(
        await identity.ask({ method: 'POST', path: action, headers, body: form.toString() }),
      )
    },
    follow: (answer) => visitor.open(destinationOf(answer)),
    signIn: async ({ identifier, password } = alice) => {
      const page = await visitor.open('/sign-in')
      return visitor.press(page, 'Sign in', { identifier, password })
    },
  }
  return visitor
}

interface PageForm {
  readonly action: string
  readonly hidden: [string, string][]
}

function formWith({ body }: Answer, button: string): PageForm {
  const forms = [...body.matchAll(/<form method="post" action="([^"]*)">(.*?)<\/form>/gs)]
  const [, action = '', inside = ''] =
    forms.find(([, , within = '']) => new RegExp(`<button[^>]*>${button}</button>`).test(within)) ??
    assert.fail(`no button ${button} in ${body}`)
  const hidden = [...inside.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)]
  return {
    action: unescapeHtml(action),
    hidden: hidden.map(([, name = '', value = '']) => [name, unescapeHtml(value)]),
  }
}

/** Where a redirect leads; it must be one after which nothing is sent again. */
export function destinationOf(answer: Answer): string {
  assert.equal(answer.status, 303, answer.body)
  assert.equal(answer.body, '')
  return String(answer.headers.location)
}

/** What a reader of the page sees, by and large. */
export function textIn({ body }: Answer): string {
  const [, inside = ''] = /<main>(.*)<\/main>/s.exec(body) ?? assert.fail(body)
  return unescapeHtml(
    inside
      .replaceAll(/<\/?bdi>/g, '')
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' '),
  ).trim()
}

export function unescapeHtml(text: string): string {
  return text.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}

/** RFC 9700 O24, O25; ASVS 3.4.3, 3.4.8: not in a frame, and nothing in it that is not of this page. */
export function assertPage(answer: Answer, status: number, heading: string): void {
  assert.equal(answer.status, status, answer.body)
  assert.ok(answer.body.includes(`<h1>${heading}</h1>`), answer.body)
  const { headers } = answer
  assert.equal(headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['referrer-policy'], 'same-origin')
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
  const policy = String(headers['content-security-policy'])
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-/)
  assert.match(policy, /frame-ancestors 'none'; base-uri 'none'/)
  assert.doesNotMatch(policy, /unsafe|\*/)
  assert.equal(answer.body.match(/<script/gi)?.length, 1)
  const [, markup = ''] = /<\/style>(.*)<script/s.exec(answer.body) ?? assert.fail(answer.body)
  assert.doesNotMatch(
    markup.replaceAll(/="[^"]*"/g, '=""'),
    /["'][^>]*\s(?:on\w+|style|src)=|<(?:script|img|svg\/)/i,
  )
}
