import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createLog } from '@portcullis/runtime'
import type { Fetch, RevocationHealth, Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer, TestIssuerOptions } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { keepLines } from '../../runtime/test/kept-lines.ts'
import type { Relay, RelaySettings } from '../src/relay/index.ts'
import { parseRelaySettings, startRelay } from '../src/relay/index.ts'
import { waitUntil } from './wait-until.ts'

/** An issuer and a relay of its feed, on real sockets; all of it ends with the test. */
export interface RelayWorld {
  readonly issuer: TestIssuer
  readonly relay: Relay
  /** `http://localhost:<port>` of the relay. */
  readonly address: string
  /** Everything the relay has logged, as text. */
  readonly log: () => string
  /** A service that reads at the relay. */
  readonly follow: (options?: Partial<VerifierOptions>) => Promise<Verifier>
}

export interface RelayWorldOptions {
  readonly issuer?: TestIssuerOptions
  /** One that there is already. */
  readonly sameIssuer?: TestIssuer
  readonly settings?: Partial<RelaySettings>
  /** How the relay asks upstream. */
  readonly fetch?: (issuer: TestIssuer) => Fetch | Promise<Fetch>
}

export async function startRelayWorld(
  t: TestContext,
  options: RelayWorldOptions = {},
): Promise<RelayWorld> {
  const issuer =
    options.sameIssuer ?? (await createTestIssuer({ algorithm: 'ES256', ...options.issuer }))
  t.after(issuer.close)
  const lines: string[] = []
  const log = createLog({
    name: 'relay',
    level: 'trace',
    destination: keepLines(lines),
  })
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-relay-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const clientFile = join(folder, 'client.json')
  writeFileSync(clientFile, JSON.stringify({ client_id: 'relay', client_secret: 'secret' }))
  const settings = {
    ...parseRelaySettings({
      listen: { host: 'localhost', port: 0 },
      operations: { port: 0 },
      issuer: issuer.issuer,
      clientFile,
    }),
    ...options.settings,
  }
  const fetch = await options.fetch?.(issuer)
  const relay = await startRelay(settings, { log, ...(fetch && { fetch }) })
  t.after(relay.close)
  const address = `http://localhost:${relay.port}`
  const headers = { authorization: `Bearer ${await grantedToken(issuer)}` }
  await waitUntil(
    async () => (await statusAt(`${address}/revocations/snapshot`, headers)) === 200,
    'the relay',
  )
  return {
    issuer,
    relay,
    address,
    log: () => lines.join(''),
    follow: async (more = {}) => {
      const verifier = createVerifier({
        issuer: issuer.issuer,
        audience: 'orders',
        ...more,
        revocation: { maxStalenessSeconds: 3, relay: address },
      })
      t.after(verifier.close)
      await verifier.ready()
      return verifier
    },
  }
}

export async function statusAt(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fetch(url, { headers: { connection: 'close', ...headers } })
  await response.body?.cancel()
  return response.status
}

export function healthOf(verifier: Verifier): Extract<RevocationHealth, { followed: true }> {
  const health = verifier.revocation()
  if (!health.followed) throw new TypeError('nothing is followed')
  return health
}

export async function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
  )
}

/** What the issuer gives a client to read the feed with. */
export async function grantedToken({ issuer }: TestIssuer): Promise<string> {
  const form = { grant_type: 'client_credentials', scope: 'revocations.read', audience: issuer }
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('orders-service:secret')}` },
    body: new URLSearchParams(form),
  })
  return String(((await answer.json()) as Record<string, unknown>)['access_token'])
}

/** The same as a token that was never asked for. */
export function feedToken(
  issuer: TestIssuer,
  claims: Readonly<Record<string, unknown>> = {},
): string {
  return issuer.mint({
    aud: issuer.issuer,
    sub: 'orders-service',
    client_id: 'orders-service',
    scope: 'revocations.read',
    sid: undefined,
    gen: undefined,
    roles: undefined,
    ...claims,
  })
}

/** The events of a stream, one after the other. */
export interface OpenStream {
  readonly status: number
  readonly next: () => Promise<string>
  /** Settles when it is over. */
  readonly ended: Promise<void>
  readonly close: () => void
}

export async function openStream(
  address: string,
  after: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const controller = new AbortController()
  const response = await fetch(`${address}/revocations/stream?after=${after}`, {
    headers,
    signal: controller.signal,
  })
  const events: string[] = []
  let pending = ''
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      pending += decoder.decode(chunk, { stream: true })
      const parts = pending.split('\n\n')
      pending = parts.pop() ?? ''
      events.push(...parts)
    }
  }
  const ended = read().catch(() => undefined)
  return {
    status: response.status,
    ended,
    next: async () => {
      await waitUntil(() => events.length > 0, 'the next event')
      return events.shift() ?? ''
    },
    close: () => controller.abort(),
  }
}
