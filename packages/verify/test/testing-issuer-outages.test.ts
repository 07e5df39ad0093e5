import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { TestIssuer, TestIssuerOptions } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'
import { waitUntil } from './wait-until.ts'

const sid = 'S'.repeat(22)
const client = { id: 'orders', secret: 'secret' }
const checkpointMs = 20
/** Long enough for a frame to come, if one came. */
const silenceMs = 10 * checkpointMs

interface Bench {
  readonly issuer: TestIssuer
  readonly verifier: Verifier
}

interface OpenedStream {
  readonly next: () => Promise<string>
  readonly abort: (reason: Error) => void
}

/** What it does as it is told, it does over sockets and in the process alike. */
for (const network of [true, false]) {
  const where = network ? 'over sockets' : 'in the process'

  const start = async (
    t: TestContext,
    issuerOptions: TestIssuerOptions = {},
    options: Partial<VerifierOptions> = {},
  ): Promise<Bench> => {
    const feed = { checkpointMs }
    const issuer = await createTestIssuer({ algorithm: 'EdDSA', feed, network, ...issuerOptions })
    const { issuer: name, fetch } = issuer
    const verifier = createVerifier({ issuer: name, audience: 'orders', fetch, ...options })
    t.after(async () => {
      await verifier.close()
      await issuer.close()
    })
    return { issuer, verifier }
  }

  test(`${where}: a session is refused as soon as its record is applied`, async (t) => {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const token = issuer.mint({ sid })
    await verifier.verify(token)
    await untilApplied(verifier, issuer.revoke({ sid }))
    await assert.rejects(verifier.verify(token), { reason: 'revoked' })
    await verifier.verify(issuer.mint())
  })

  test(`${where}: a new key is taken up, and one that is withdrawn is refused`, async (t) => {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const { kid } = issuer
    const old = issuer.mint()
    const watch = verifier.watch(await verifier.verify(old))
    issuer.rotate()
    await verifier.verify(issuer.mint())
    await verifier.verify(old)
    issuer.withdraw(kid)
    await waitUntil(() => watch.signal.aborted, 'the withdrawal')
    await assert.rejects(verifier.verify(old), { reason: 'key-withdrawn' })
    await verifier.verify(issuer.mint())
  })

  test(`${where}: a new epoch cuts the streams and is followed on`, async (t) => {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const stream = await openStream(t, issuer, verifier)
    assert.match(await stream.next(), /^event: /)
    const before = positionOf(verifier)
    issuer.startEpoch()
    await assert.rejects(untilEnd(stream), TypeError)
    assert.equal((await issuer.fetch(streamAt(issuer, before))).status, 410)
    const position = issuer.revoke({ sid })
    assert.ok(!before.startsWith(position.epoch))
    await untilApplied(verifier, position)
    await assert.rejects(verifier.verify(issuer.mint({ sid })), { reason: 'revoked' })
  })

  test(`${where}: a feed that wants a token lets only clients in`, async (t) => {
    const clients = { [client.id]: client.secret }
    const feed = { checkpointMs, wantsToken: true }
    const { issuer, verifier } = await start(t, { feed, clients }, { client })
    await verifier.ready()
    await untilApplied(verifier, issuer.revoke({ sid }))
    assert.equal(issuer.requests.token, 1)
    const { verifier: stranger } = await start(t, { feed, clients })
    await assert.rejects(stranger.ready(), { code: 'client-refused' })
    const wrong = { ...client, secret: 'x' }
    const { verifier: liar } = await start(t, { feed, clients }, { client: wrong })
    await assert.rejects(liar.ready(), { code: 'client-refused' })
  })

  test(`${where}: silent streams stay open, and bring the rest when it comes back`, async (t) => {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const stream = await openStream(t, issuer, verifier)
    await stream.next()
    await stream.next()
    issuer.silenceStreams()
    const token = issuer.mint({ sid })
    const position = issuer.revoke({ sid })
    const next = untilRecord(stream, position.seq)
    assert.equal(await Promise.race([next, setTimeout(silenceMs, 'silent')]), 'silent')
    await verifier.verify(token)
    issuer.comeBack()
    await next
    await untilApplied(verifier, position)
    await assert.rejects(verifier.verify(token), { reason: 'revoked' })
  })

  test(`${where}: when it is down every answer is 503 and the streams are cut`, async (t) => {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const stream = await openStream(t, issuer, verifier)
    issuer.goDown()
    await assert.rejects(untilEnd(stream), TypeError)
    const { jwks } = issuer.requests
    assert.equal((await issuer.fetch(keySetOf(issuer))).status, 503)
    assert.equal(issuer.requests.jwks, jwks + 1)
    const late = createVerifier({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch })
    t.after(late.close)
    await assert.rejects(late.ready(), { status: 503 })
    issuer.comeBack()
    assert.equal((await issuer.fetch(keySetOf(issuer))).status, 200)
    await untilApplied(verifier, issuer.revoke({ sid }))
  })

  test(`${where}: when it hangs nothing is answered, and the streams are silent`, async (t) => {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const stream = await openStream(t, issuer, verifier)
    issuer.goDown('hang')
    await setTimeout(silenceMs)
    const { jwks } = issuer.requests
    const signal = AbortSignal.timeout(silenceMs)
    await assert.rejects(issuer.fetch(keySetOf(issuer), { signal }), { name: 'TimeoutError' })
    assert.equal(issuer.requests.jwks, jwks + 1)
    const never = assert.rejects(issuer.fetch(keySetOf(issuer)), isLostConnection)
    await waitUntil(() => issuer.requests.jwks === jwks + 2, 'another request')
    issuer.comeBack()
    await untilRecord(stream, issuer.revoke({ sid }).seq)
    await Promise.all([never, issuer.close()])
  })

  test(`${where}: when it drops connections, fetch fails as that of Node does`, async (t) => {
    const { issuer, verifier } = await start(t)
    issuer.goDown('drop')
    await assert.rejects(issuer.fetch(keySetOf(issuer)), isLostConnection)
    await assert.rejects(verifier.ready(), (error: Error) =>
      /cannot be read: UND_ERR_SOCKET/.test(String(error.cause)),
    )
    issuer.comeBack()
    assert.equal((await issuer.fetch(keySetOf(issuer))).status, 200)
    await issuer.close()
    await assert.rejects(issuer.fetch(keySetOf(issuer)), TypeError)
  })

  test(`${where}: an abort ends a stream, and forbids a request`, async (t) => {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const stream = await openStream(t, issuer, verifier)
    await stream.next()
    const reason = new Error('enough')
    stream.abort(reason)
    await assert.rejects(untilEnd(stream), reason)
    const { jwks } = issuer.requests
    const signal = AbortSignal.abort(reason)
    await assert.rejects(issuer.fetch(keySetOf(issuer), { signal }), reason)
    assert.equal(issuer.requests.jwks, jwks)
    await untilApplied(verifier, issuer.revoke({ sid }))
  })

  test(`${where}: its fetch is for the addresses of the issuer alone`, async (t) => {
    const { issuer } = await start(t, { feed: false })
    const strays: readonly (readonly [string, RequestInit])[] = [
      ['https://other.example/.well-known/jwks.json?secret', {}],
      [`${issuer.issuer}/elsewhere`, {}],
      [`${issuer.issuer}/token`, {}],
      [keySetOf(issuer), { method: 'POST' }],
      [`${issuer.issuer}/revocations/snapshot`, {}],
    ]
    for (const [url, init] of strays) {
      const message = `not an address of this issuer: ${init.method ?? 'GET'} ${url.split('?')[0]}`
      await assert.rejects(issuer.fetch(url, init), { name: 'TypeError', message })
    }
    assert.deepEqual(issuer.requests, { metadata: 0, jwks: 0, token: 0 })
  })

  test(`${where}: a plain issuer needs no feed, and answers by its own clock`, async (t) => {
    const { now } = createClock()
    const options = { revocation: 'untilExpiry', now } as const
    const { issuer, verifier } = await start(t, { feed: false, now }, options)
    await verifier.ready()
    await verifier.verify(issuer.mint())
    const { headers } = await issuer.fetch(keySetOf(issuer))
    assert.equal(headers.get('date'), new Date(now()).toUTCString())
  })
}

function keySetOf({ issuer }: TestIssuer): string {
  return `${issuer}/.well-known/jwks.json`
}

function streamAt({ issuer }: TestIssuer, position: string): string {
  return `${issuer}/revocations/stream?after=${position}`
}

function positionOf(verifier: Verifier): string {
  const health = verifier.revocation()
  assert.ok(health.followed)
  return `${health.epoch}:${health.seq}`
}

async function openStream(
  t: TestContext,
  issuer: TestIssuer,
  verifier: Verifier,
): Promise<OpenedStream> {
  const controller = new AbortController()
  const { signal } = controller
  const response = await issuer.fetch(streamAt(issuer, positionOf(verifier)), { signal })
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body?.getReader()
  assert.ok(reader)
  const decoder = new TextDecoder()
  t.after(() => controller.abort())
  return {
    next: async () => {
      const { done, value } = await reader.read()
      assert.ok(!done, 'a stream is cut and never ended')
      return decoder.decode(value)
    },
    abort: (reason) => controller.abort(reason),
  }
}

async function untilEnd({ next }: OpenedStream): Promise<never> {
  for (;;) await next()
}

async function untilRecord({ next }: OpenedStream, seq: number): Promise<void> {
  while (!new RegExp(`^id: [^:]+:${seq}$`, 'm').test(await next()));
}

function isLostConnection(error: unknown): boolean {
  assert.ok(error instanceof TypeError)
  assert.equal(Object(error.cause).code, 'UND_ERR_SOCKET')
  return true
}
