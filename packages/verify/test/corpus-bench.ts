import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { Requirement } from '@portcullis/verify/fetch'
import { authenticate } from '@portcullis/verify/fetch'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { AdapterServer } from './plain-server.ts'

export const defaultAlgorithms: readonly AlgorithmName[] = ['RS256', 'PS256', 'ES256', 'EdDSA']

export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: ReadonlyMap<string, string>
}

/** One issuer, one verifier of its tokens, and every way to a service behind that verifier. */
export interface Bench {
  readonly issuer: TestIssuer
  readonly verifier: Verifier
  /** Answers as a service behind the fetch adapter would, without a socket. */
  readonly ask: (
    authorization: readonly string[],
    ...requirements: readonly Requirement[]
  ) => Promise<Answer>
  readonly services: readonly Service[]
  readonly close: () => Promise<void>
}

export interface Service {
  readonly name: string
  /** One Authorization line for each value, over a real socket. */
  readonly ask: (authorization: readonly string[]) => Promise<Answer>
}

export interface BenchOptions {
  readonly algorithm: AlgorithmName
  readonly adapters: readonly AdapterServer[]
  readonly now: () => number
  /** Told every address that the verifier asks. */
  readonly onFetch: (url: string) => void
}

export async function createBench(options: BenchOptions): Promise<Bench> {
  const { algorithm, adapters, now, onFetch } = options
  const issuer = await createTestIssuer({ algorithm, now })
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    ...(defaultAlgorithms.includes(algorithm)
      ? {}
      : { algorithms: [...defaultAlgorithms, algorithm] }),
    now,
    fetch: (url, init) => {
      onFetch(url)
      return fetch(url, init)
    },
  })
  const guard = authenticate(verifier)
  const agent = new Agent({ keepAlive: true })
  const running = await Promise.all(
    adapters.map(async ({ name, serve }) => ({ name, ...(await serve(verifier)) })),
  )
  return {
    issuer,
    verifier,
    ask: async (authorization, ...requirements) => {
      const headers = authorization.map((value): [string, string] => ['authorization', value])
      const handle = guard(() => new Response('let in'), ...requirements)
      const response = await handle(new Request('http://orders.example/', { headers }))
      const { status } = response
      return { status, body: await response.text(), headers: new Map(response.headers) }
    },
    services: running.map(({ name, url }) => ({
      name,
      ask: (authorization) => askOverSocket(url, agent, authorization),
    })),
    close: async () => {
      agent.destroy()
      await Promise.all([issuer.close(), ...running.map(({ close }) => close())])
    },
  }
}

async function askOverSocket(
  url: string,
  agent: Agent,
  authorization: readonly string[],
): Promise<Answer> {
  // A flat list goes out line by line as it stands; an object would join values of one name.
  const lines = authorization.flatMap((value) => ['authorization', value])
  const asked = request(url, { agent, headers: ['host', 'orders.example', ...lines] })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const body = await text(response)
  const headers = Object.entries(response.headers).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return { status: response.statusCode ?? 0, body, headers: new Map(headers) }
}
