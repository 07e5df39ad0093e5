import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { NewRevocation, Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer, TestIssuerOptions } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { waitUntil } from './wait-until.ts'

const sid = 'S'.repeat(22)
const client = { id: 'orders service', secret: 'secret' }

async function start(
  t: TestContext,
  options: Partial<VerifierOptions> = {},
  issuerOptions: TestIssuerOptions = {},
): Promise<{ readonly issuer: TestIssuer; readonly verifier: Verifier }> {
  const issuer = await createTestIssuer({ algorithm: 'ES256', ...issuerOptions })
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', ...options })
  t.after(async () => {
    await verifier.close()
    await issuer.close()
  })
  return { issuer, verifier }
}

async function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) =>
      error instanceof VerifyError ? (error.reason ?? error.code) : String(error),
  )
}

function seqOf(verifier: Verifier): number | undefined {
  const health = verifier.revocation()
  return health.followed ? health.seq : undefined
}

/** Minted too long ago to be young by itself. */
function oldMint(issuer: TestIssuer, claims: Readonly<Record<string, unknown>> = {}): string {
  const iat = Math.floor(Date.now() / 1000) - 60
  return issuer.mint({ iat, exp: iat + 900, ...claims })
}

test('a revoked session is refused within milliseconds, and other sessions go on', async (t) => {
  const { issuer, verifier } = await start(t)
  await verifier.ready()
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  const token = issuer.mint({ sid })
  assert.equal(await fateOf(verifier, token), 'accepted')
  const startedAt = performance.now()
  const { seq } = issuer.revoke({ sid })
  while ((await fateOf(verifier, token)) === 'accepted') {
    assert.ok(performance.now() - startedAt < 500, 'still accepted')
    await setTimeout(1)
  }
  assert.equal(await fateOf(verifier, token), 'revoked')
  assert.equal(await fateOf(verifier, oldMint(issuer)), 'accepted')
  assert.equal(seqOf(verifier), seq)
})

test('every kind of record is refused as it says, at once and after a snapshot', async (t) => {
  const { issuer, verifier } = await start(t)
  await verifier.ready()
  const web = 'c07c2b0f6a1e'
  const cases = [
    [{ sid }, { sid }, {}],
    [
      { sub: 'alice', floor: 2 },
      { sub: 'alice', gen: 1 },
      { sub: 'alice', gen: 2 },
    ],
    [{ clientId: web, floor: 2 }, { cgen: 1 }, { cgen: 2 }],
    [
      { clientId: 'edge', floor: 2 },
      { cgen: 1, client_id: 'x', act: { sub: 'edge' } },
      { cgen: 2, act: { sub: 'edge' } },
    ],
    [{ jti: 'one' }, { jti: 'one' }, { jti: 'two' }],
    [{ all: 3 }, { gen: 2, cgen: 3 }, { gen: 3, cgen: 3 }],
  ] as const
  for (const [what, refused, accepted] of cases) {
    // The case before may have raised what all tokens need.
    const [bad, good] = [refused, accepted].map((claims) =>
      issuer.mint({ gen: 5, cgen: 5, ...claims }),
    )
    assert.ok(bad !== undefined && good !== undefined)
    assert.equal(await fateOf(verifier, bad), 'accepted', JSON.stringify(what))
    const { seq } = issuer.revoke(what)
    await waitUntil(() => seqOf(verifier) === seq, 'the record')
    assert.equal(await fateOf(verifier, bad), 'revoked', JSON.stringify(what))
    assert.equal(await fateOf(verifier, good), 'accepted', JSON.stringify(what))
    const late = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
    await late.ready()
    assert.equal(await fateOf(late, bad), 'revoked', JSON.stringify(what))
    assert.equal(await fateOf(late, good), 'accepted', JSON.stringify(what))
    await late.close()
  }
})

test('a key is refused by its record, and by its absence from the checkpoint, whatever the key set says', async (t) => {
  for (const withdraw of [
    (issuer: TestIssuer, kid: string) => issuer.revoke({ kid }),
    (issuer: TestIssuer, kid: string) => issuer.withdraw(kid),
  ]) {
    const { issuer, verifier } = await start(t)
    await verifier.ready()
    const stolen = issuer.mint()
    assert.equal(await fateOf(verifier, stolen), 'accepted')
    const watch = verifier.watch(await verifier.verify(stolen))
    const { kid } = issuer
    issuer.rotate()
    withdraw(issuer, kid)
    await waitUntil(() => watch.signal.aborted, 'the watch')
    assert.equal(await fateOf(verifier, stolen), 'key-withdrawn')
    assert.equal(await fateOf(verifier, issuer.mint()), 'accepted')
  }
})

test('a token without the claims that revocation goes by is refused', async (t) => {
  const { issuer, verifier } = await start(t)
  const fates: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{}, 'accepted'],
    [{ cgen: undefined }, 'malformed-claims'],
    [{ sid: undefined }, 'malformed-claims'],
    [{ gen: undefined }, 'malformed-claims'],
    [{ sid: undefined, gen: undefined }, 'malformed-claims'],
    [{ sid: undefined, gen: undefined, sub: 'job', client_id: 'job' }, 'accepted'],
    [
      { sid: undefined, gen: undefined, cgen: undefined, sub: 'job', client_id: 'job' },
      'malformed-claims',
    ],
  ]
  for (const [claims, fate] of fates)
    assert.equal(await fateOf(verifier, issuer.mint(claims)), fate)
  const plain = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  for (const [claims] of fates) assert.equal(await fateOf(plain, issuer.mint(claims)), 'accepted')
})

test('the first request waits for the first snapshot, so an old token is not refused at a cold start', async (t) => {
  const { issuer, verifier } = await start(t)
  issuer.revoke({ sid })
  const fates = await Promise.all([
    fateOf(verifier, oldMint(issuer)),
    fateOf(verifier, oldMint(issuer, { sid })),
  ])
  assert.deepEqual(fates, ['accepted', 'revoked'])
  assert.equal(issuer.feedRequests.snapshot, 1)
})

test('nothing is fetched before the first ready or verify, and audiences share the follower', async (t) => {
  const { issuer, verifier } = await start(t)
  const reviews = verifier.withAudience('reviews')
  await setTimeout(20)
  assert.deepEqual(issuer.requests, { metadata: 0, jwks: 0, token: 0 })
  await Promise.all([verifier.ready(), reviews.ready(), fateOf(verifier, issuer.mint())])
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  assert.deepEqual(issuer.feedRequests, { keys: 1, snapshot: 1, stream: 1 })
  // Until then it says since when it fails, which is another millisecond each time.
  await waitUntil(() => !JSON.stringify(verifier.revocation()).includes('since'), 'a frame')
  assert.deepEqual(reviews.revocation(), verifier.revocation())
})

test('the feed is read with a token of the client, which is renewed when the feed refuses it', async (t) => {
  let isRefused = false
  const seen = new Set<string>()
  const asking: VerifierOptions['fetch'] = async (url, init) => {
    const authorization = new Headers(init.headers).get('authorization') ?? ''
    if (url.includes('/revocations/')) seen.add(authorization)
    if (isRefused && url.includes('/revocations/')) {
      isRefused = false
      return new Response(null, { status: 401 })
    }
    return fetch(url, init)
  }
  const { issuer, verifier } = await start(
    t,
    { client, fetch: asking },
    { feed: { wantsToken: true }, clients: { [client.id]: client.secret } },
  )
  await verifier.ready()
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  assert.equal(issuer.requests.token, 1)
  assert.equal(seen.size, 1)
  isRefused = true
  issuer.startEpoch()
  await waitUntil(() => issuer.feedRequests.stream >= 2, 'another stream')
  await waitUntil(() => issuer.requests.token === 2, 'another token')
  await verifier.ready()
})

for (const [what, options, code] of [
  ['a feed that wants a client, and none is given', {}, 'client-refused'],
  ['a client with a wrong secret', { client: { ...client, secret: 'x' } }, 'client-refused'],
] as const) {
  test(`${what}: ${code}, and no old token is let through`, async (t) => {
    const clients = { [client.id]: client.secret }
    const { issuer, verifier } = await start(t, options, { feed: { wantsToken: true }, clients })
    await assert.rejects(verifier.ready(), { code, status: 503 })
    assert.equal(await fateOf(verifier, oldMint(issuer)), 'stale')
    assert.equal(await fateOf(verifier, issuer.mint()), 'accepted')
  })
}

test('a plain issuer is an error that names the way out', async (t) => {
  const { issuer, verifier } = await start(t, {}, { feed: false })
  await assert.rejects(verifier.ready(), { code: 'feed-unavailable', message: /untilExpiry/ })
  assert.deepEqual(issuer.feedRequests, { keys: 0, snapshot: 0, stream: 0 })
  const plain = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  await plain.ready()
  assert.deepEqual(plain.revocation(), { followed: false })
  assert.equal(await fateOf(plain, oldMint(issuer)), 'accepted')
  await plain.close()
})

test('ready waits for the first snapshot, and after it costs nothing, even without the issuer', async (t) => {
  const { issuer, verifier } = await start(t, { revocation: { maxStalenessSeconds: 3 } })
  issuer.goDown()
  await assert.rejects(verifier.ready(), { status: 503 })
  issuer.comeBack()
  await waitUntil(() => issuer.feedRequests.stream > 0, 'the stream')
  await setTimeout(260)
  await verifier.ready()
  const before = { ...issuer.feedRequests }
  for (let times = 0; times < 100; times += 1) await verifier.ready()
  assert.deepEqual(issuer.feedRequests, before)
  const health = verifier.revocation()
  assert.ok(health.followed && health.isFresh)
  assert.ok(Math.abs(Date.now() - (health.checkpointAt ?? 0)) < 1_000)
  issuer.goDown()
  for (let times = 0; times < 100; times += 1) await verifier.ready()
})

test('whenStale accept lets old tokens through, and still refuses what is known to be revoked', async (t) => {
  let isBlind = true
  const { issuer, verifier } = await start(t, {
    revocation: { whenStale: 'accept' },
    fetch: async (url, init) => {
      if (isBlind && url.includes('/revocations/')) throw new TypeError('fetch failed')
      return fetch(url, init)
    },
  })
  assert.equal(await fateOf(verifier, oldMint(issuer)), 'accepted')
  await assert.rejects(verifier.ready(), { code: 'feed-unavailable' }, 'it is told all the same')
  issuer.revoke({ sid })
  isBlind = false
  await waitUntil(() => seqOf(verifier) === 1, 'the snapshot')
  assert.equal(await fateOf(verifier, oldMint(issuer, { sid })), 'revoked')
})

test('onRevoked is called once for each batch, and its mistakes hurt nobody and are told', async (t) => {
  const batches: NewRevocation[] = []
  const warnings: unknown[] = []
  const { issuer, verifier } = await start(t, {
    onRevoked: (revocation) => {
      batches.push(revocation)
      if (batches.length === 1) throw new Error('a mistake of the service')
      // What an async function would do, which the type lets through.
      return Promise.reject(new Error('another one')) as unknown as undefined
    },
    onWarning: (warning) => void warnings.push(warning),
  })
  await verifier.ready()
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  const ended = await verifier.verify(issuer.mint({ sid }))
  const other = await verifier.verify(issuer.mint())
  issuer.revoke({ sid })
  issuer.revoke({ jti: 'x' })
  await waitUntil(() => batches.length === 2, 'two batches')
  assert.deepEqual(
    batches.map(({ affects }) => [affects(ended), affects(other)]),
    [
      [true, false],
      [false, false],
    ],
  )
  issuer.revoke({ kid: issuer.kid })
  await waitUntil(() => batches.length === 3, 'the key')
  assert.equal(batches[2]?.affects(other), true, 'the key that signed it')
  await setTimeout(300)
  assert.equal(batches.length, 3, 'checkpoints alone are no news')
  const code = 'PORTCULLIS_CALLBACK'
  assert.deepEqual(warnings.slice(0, 2), [
    { code, message: 'onRevoked has thrown Error: a mistake of the service' },
    { code, message: 'onRevoked has thrown Error: another one' },
  ])
})

test('onRevoked tells of a key that only disappears from the checkpoint, and of its tokens alone', async (t) => {
  const batches: NewRevocation[] = []
  const { issuer, verifier } = await start(t, { onRevoked: (batch) => void batches.push(batch) })
  await verifier.ready()
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  const { kid } = issuer
  const ended = await verifier.verify(issuer.mint({ sid }))
  const stolen = await verifier.verify(issuer.mint())
  issuer.rotate()
  const good = await verifier.verify(issuer.mint({ sid }))
  issuer.revoke({ sid })
  await waitUntil(() => batches.length === 1, 'the session')
  issuer.withdraw(kid)
  await waitUntil(() => batches.length === 2, 'the key')
  assert.deepEqual(
    batches.map(({ affects }) => [ended, stolen, good].map(affects)),
    [
      [true, false, true],
      [true, true, false],
    ],
  )
})

test('a watch ends when the token is revoked, within milliseconds', async (t) => {
  const { issuer, verifier } = await start(t)
  await verifier.ready()
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  const watch = verifier.watch(await verifier.verify(issuer.mint({ sid })))
  const other = verifier.watch(await verifier.verify(issuer.mint()))
  const closed = verifier.watch(await verifier.verify(issuer.mint({ sid })))
  closed.close()
  const startedAt = performance.now()
  issuer.revoke({ sid })
  await new Promise((resolve) => watch.signal.addEventListener('abort', resolve))
  assert.ok(performance.now() - startedAt < 200)
  const { reason } = watch.signal
  assert.ok(reason instanceof VerifyError)
  assert.deepEqual([reason.code, reason.status, reason.reason], ['invalid-token', 401, 'revoked'])
  assert.equal(closed.signal.aborted, false)
  assert.equal(other.signal.aborted, false)
  await verifier.close()
  assert.equal((other.signal.reason as VerifyError).code, 'feed-unavailable')
})

test('a watch ends when the token expires, also where revocation is not followed', async (t) => {
  for (const revocation of [{}, 'untilExpiry'] as const) {
    let ahead = 0
    const now = (): number => Date.now() + ahead
    const { issuer, verifier } = await start(t, { now, revocation }, { now })
    const watch = verifier.watch(await verifier.verify(issuer.mint()))
    ahead = 906_000
    await waitUntil(() => watch.signal.aborted, 'the end')
    assert.equal((watch.signal.reason as VerifyError).reason, 'expired')
  }
})

test('a token that is refused already is not watched, and one of another verifier is a mistake', async (t) => {
  const { issuer, verifier } = await start(t)
  const auth = await verifier.verify(issuer.mint({ sid }))
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  issuer.revoke({ sid })
  await waitUntil(() => seqOf(verifier) === 1, 'the record')
  assert.equal(verifier.watch(auth).signal.aborted, true)
  assert.throws(() => verifier.watch({ ...auth }), TypeError, 'a copy says nothing of its key')
  const { verifier: other } = await start(t)
  assert.throws(() => other.watch(auth), TypeError)
})

test('an issuer that comes back on its port with another log and other keys is followed on', async (t) => {
  const first = await createTestIssuer({ algorithm: 'ES256' })
  const verifier = createVerifier({ issuer: first.issuer, audience: 'orders' })
  t.after(verifier.close)
  await verifier.ready()
  const before = first.mint({ sid })
  first.revoke({ sid })
  await waitUntil(() => seqOf(verifier) === 1, 'the record')
  await first.close()
  const { port } = new URL(first.issuer)
  const second = await createTestIssuer({ algorithm: 'ES256', port: Number(port) })
  t.after(second.close)
  await waitUntil(() => seqOf(verifier) === 0, 'the new log')
  assert.equal(await fateOf(verifier, oldMint(second)), 'accepted')
  assert.equal(await fateOf(verifier, second.mint({ sid })), 'revoked', 'joined with what was held')
  assert.equal(await fateOf(verifier, before), 'unknown-key')
})

test('a position that is gone costs a snapshot, and what was held stays', async (t) => {
  const { issuer, verifier } = await start(t)
  await verifier.ready()
  await waitUntil(() => issuer.feedRequests.stream === 1, 'the stream')
  issuer.revoke({ sid })
  await waitUntil(() => seqOf(verifier) === 1, 'the record')
  issuer.startEpoch()
  await waitUntil(() => seqOf(verifier) === 0, 'the new epoch')
  assert.equal(issuer.feedRequests.snapshot, 2)
  assert.equal(await fateOf(verifier, issuer.mint({ sid })), 'revoked')
})
