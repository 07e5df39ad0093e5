import type { TestContext } from 'node:test'
import type { Fetch, Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { forgeToken } from '../src/testing/recipe.ts'
import type { TestFeed } from '../src/testing/test-feed.ts'
import { createTestFeed } from '../src/testing/test-feed.ts'
import type { TestKeyRing } from '../src/testing/test-key.ts'
import { createTestKeyRing } from '../src/testing/test-key.ts'
import { waitUntil } from './wait-until.ts'

/** An issuer whose whole network is in the hands of the test: it sends what the test says. */
export interface ScriptedIssuer {
  readonly issuer: string
  readonly feed: TestFeed
  readonly keys: TestKeyRing
  readonly fetch: Fetch
  /** How often each address was asked for, by its path. */
  readonly asked: (path: string) => number
  readonly mint: (claims?: Readonly<Record<string, unknown>>) => string
  /** Sends a text on every stream. */
  readonly send: (text: string) => void
  /** What an address answers from now on; undefined: what it should. */
  readonly answer: (path: string, answer: (() => Response) | undefined) => void
  /** A verifier that has joined a snapshot and follows the stream; closed with the test. */
  readonly follow: (options?: Partial<VerifierOptions>) => Promise<Verifier>
  readonly verifier: (options?: Partial<VerifierOptions>) => Verifier
}

export const paths = {
  metadata: '/.well-known/oauth-authorization-server',
  jwks: '/jwks',
  token: '/token',
  snapshot: '/revocations/snapshot',
  stream: '/revocations/stream',
  keys: '/feed-keys',
} as const

export function scriptIssuer(
  t: TestContext,
  { issuer = 'https://id.example', now = Date.now }: { issuer?: string; now?: () => number } = {},
): ScriptedIssuer {
  const keys = createTestKeyRing('ES256')
  const feed = createTestFeed({ issuer, now, kids: keys.kids })
  const streams = createStreams()
  const overrides = new Map<string, () => Response>()
  const counts = new Map<string, number>()
  const answers = answersOf(issuer, keys, feed, streams, now)

  const fetch: Fetch = async (address, init) => {
    const url = new URL(address)
    counts.set(url.pathname, (counts.get(url.pathname) ?? 0) + 1)
    init.signal?.throwIfAborted()
    const answer = overrides.get(url.pathname) ?? answers[url.pathname]
    if (answer === undefined) throw new TypeError('fetch failed')
    return answer(url)
  }

  const verifier: ScriptedIssuer['verifier'] = (options = {}) => {
    const created = createVerifier({ issuer, audience: 'orders', now, fetch, ...options })
    t.after(created.close)
    return created
  }

  return {
    issuer,
    feed,
    keys,
    fetch,
    asked: (path) => counts.get(path) ?? 0,
    mint: (claims = {}) =>
      forgeToken(
        { payload: { set: claims } },
        {
          issuer,
          key: keys.current(),
          header: { alg: 'ES256', typ: 'at+jwt', kid: keys.current().kid },
          claims: validClaims(issuer, now()),
          now,
        },
      ),
    send: streams.send,
    answer: (path, override) => {
      if (override === undefined) overrides.delete(path)
      else overrides.set(path, override)
    },
    verifier,
    follow: async (options) => {
      const created = verifier(options)
      await created.ready()
      await waitUntil(() => streams.count() > 0, 'the stream')
      return created
    },
  }
}

export interface Streams {
  readonly open: (text: string) => Response
  readonly send: (text: string) => void
  readonly count: () => number
}

export function createStreams(): Streams {
  const open = new Set<ReadableStreamDefaultController<Uint8Array>>()
  const encoder = new TextEncoder()
  return {
    open: (text) => {
      let opened: ReadableStreamDefaultController<Uint8Array> | undefined
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          opened = controller
          open.add(controller)
          controller.enqueue(encoder.encode(text))
        },
        cancel: () => {
          if (opened !== undefined) open.delete(opened)
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
    send: (text) => {
      for (const controller of open) controller.enqueue(encoder.encode(text))
    },
    count: () => open.size,
  }
}

function answersOf(
  issuer: string,
  keys: TestKeyRing,
  feed: TestFeed,
  streams: Streams,
  now: () => number,
): Readonly<Record<string, (url: URL) => Response>> {
  return {
    [paths.metadata]: () => Response.json(metadataOf(issuer)),
    [paths.jwks]: () =>
      new Response(keys.keySetText(), { headers: { date: new Date(now()).toUTCString() } }),
    [paths.keys]: () => new Response(feed.keySetText()),
    [paths.snapshot]: () => new Response(new Uint8Array(feed.snapshot())),
    [paths.token]: () => Response.json({ access_token: 'feed-token', expires_in: 900 }),
    [paths.stream]: (url) => {
      const { epoch, seq } = feed.position()
      return url.searchParams.get('after') === `${epoch}:${seq}`
        ? streams.open(feed.eventAfter(seq))
        : new Response(null, { status: 410 })
    },
  }
}

function metadataOf(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}${paths.jwks}`,
    token_endpoint: `${issuer}${paths.token}`,
    revocation_feed: {
      snapshot: `${issuer}${paths.snapshot}`,
      stream: `${issuer}${paths.stream}`,
      keys: `${issuer}${paths.keys}`,
    },
  }
}

function validClaims(issuer: string, nowMs: number): Readonly<Record<string, unknown>> {
  const iat = Math.floor(nowMs / 1000)
  return {
    iss: issuer,
    sub: 'alice',
    aud: 'orders',
    iat,
    exp: iat + 900,
    jti: 'j',
    client_id: 'web',
    sid: 'S'.repeat(22),
    gen: 0,
    cgen: 0,
  }
}
