import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { AuthenticateOptions, Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { Adapter } from './adapter-servers.ts'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'

/** What a service behind an adapter has answered over its socket. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Of the problem document, or of the GraphQL error. */
  readonly code: string | undefined
  readonly challenge: string | undefined
}

/** An issuer, a service behind one adapter that takes its tokens, and somebody who asks it. */
export interface AdapterWorld {
  readonly issuer: TestIssuer
  readonly clock: Clock
  readonly verifier: Verifier
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Header lines as they go over the wire: name, value, name, value. */
  readonly ask: (path: string, lines?: readonly string[], method?: string) => Promise<Answer>
  /** The same with a token in the Authorization header. */
  readonly show: (token: string, path?: string, method?: string) => Promise<Answer>
}

interface AnswerBody {
  readonly code?: string
  readonly errors?: readonly { readonly extensions?: { readonly problem?: string } }[]
}

export async function startWorld(
  context: TestContext,
  adapter: Adapter,
  options: AuthenticateOptions = {},
  more: (clock: Clock) => Partial<VerifierOptions> = () => ({}),
): Promise<AdapterWorld> {
  const clock = createClock()
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', now: clock.now, feed: false })
  context.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    now: clock.now,
    ...more(clock),
  })
  const { url, close } = await adapter.serve(verifier, { ...options, now: clock.now })
  context.after(close)
  const ask: AdapterWorld['ask'] = (path, lines = [], method = 'GET') =>
    exchange(`${url}${path}`, lines, method)
  const show: AdapterWorld['show'] = async (token, path = '/', method = 'GET') => {
    const answer = await ask(path, ['Authorization', `Bearer ${token}`], method)
    assertSaysNothingOf(token, answer)
    return answer
  }
  return { issuer, clock, verifier, url, ask, show }
}

export async function exchange(
  url: string,
  lines: readonly string[],
  method = 'GET',
): Promise<Answer> {
  const length = method === 'GET' ? [] : ['Content-Length', '0']
  const headers = ['Host', new URL(url).host, ...length, ...lines]
  const request = httpRequest(url, { method, headers, agent: false })
  request.end()
  const [response] = await once(request, 'response')
  const body = await text(response)
  return {
    status: response.statusCode,
    headers: response.headers,
    body,
    code: codeOf(body),
    challenge: response.headers['www-authenticate'],
  }
}

function codeOf(body: string): string | undefined {
  if (!body.startsWith('{')) return undefined
  const { code, errors = [] } = JSON.parse(body) as AnswerBody
  return code ?? errors[0]?.extensions?.problem
}

export function assertSaysNothingOf(token: string, { headers, body }: Answer): void {
  const parts = token.split('.').filter((part) => part.length > 8)
  assert.ok(parts.length > 0, 'there is nothing to look for')
  for (const part of parts) assert.ok(!`${JSON.stringify(headers)} ${body}`.includes(part))
}
