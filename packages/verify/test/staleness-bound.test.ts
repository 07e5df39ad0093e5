import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, requireFresh, VerifyError } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { startTcpProxy } from './tcp-proxy.ts'

async function refusalOf(verifier: Verifier, token: string): Promise<VerifyError | undefined> {
  return verifier.verify(token).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof VerifyError, String(error))
      return error
    },
  )
}

function checkpointAt(verifier: Verifier): number {
  const health = verifier.revocation()
  return health.followed ? (health.checkpointAt ?? 0) : 0
}

function isFresh(verifier: Verifier): boolean {
  const health = verifier.revocation()
  return health.followed && health.isFresh
}

test('behind a path that falls silent, an old token is refused at S and a young one passes; then all heals', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const proxy = await startTcpProxy(t, issuer.issuer)
  const revocation = { maxStalenessSeconds: 3 }
  const told: string[] = []
  const { issuer: name } = issuer
  const verifier = createVerifier({
    issuer: name,
    audience: 'orders',
    revocation,
    fetch: proxy.fetch,
    onWarning: ({ code }) => void told.push(code),
  })
  t.after(verifier.close)
  await verifier.ready()
  const sid = 'R'.repeat(22)
  const revoked = issuer.mint({ sid })
  const old = issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
  const watch = verifier.watch(await verifier.verify(old))
  await setTimeout(500)

  proxy.goSilent()
  issuer.revoke({ sid })
  const revokedAt = Date.now()
  await assertAcceptedUntil(verifier, [revoked, old], revokedAt + 3_000)

  const refusal = await refusalOf(verifier, old)
  assert.equal(refusal?.reason, 'stale')
  assert.equal(refusal.status, 401)
  assert.equal(
    refusal.challenge,
    'Bearer realm="orders", error="invalid_token", error_description="stale"',
  )
  assert.equal((await refusalOf(verifier, revoked))?.reason, 'stale')
  assert.equal(await refusalOf(verifier, issuer.mint()), undefined, 'minted just now')
  // The whole fleet has lost the feed: to take it out of service would refuse the young tokens too.
  await verifier.ready()
  assert.equal(isFresh(verifier), false)
  await setTimeout(1_100)
  assert.equal((watch.signal.reason as VerifyError).reason, 'stale')

  proxy.heal()
  const healedAt = Date.now()
  while ((await refusalOf(verifier, old)) !== undefined) {
    assert.ok(Date.now() - healedAt < 7_000, 'it never healed')
    await setTimeout(20)
  }
  assert.equal((await refusalOf(verifier, revoked))?.reason, 'revoked')
  assert.equal(isFresh(verifier), true)
  await setTimeout(1_100)
  assert.deepEqual(told, ['PORTCULLIS_REVOCATION_STALE', 'PORTCULLIS_REVOCATION_FRESH'])
})

/** Looks every 20 ms until both are refused, and holds the moment against the bound. */
async function assertAcceptedUntil(
  verifier: Verifier,
  tokens: readonly string[],
  boundMs: number,
): Promise<void> {
  for (const token of tokens) {
    while ((await refusalOf(verifier, token)) === undefined) {
      assert.ok(Date.now() < boundMs + 100, 'accepted beyond the bound')
      await setTimeout(20)
    }
  }
  const lastAt = checkpointAt(verifier)
  assert.ok(Date.now() >= lastAt + 3_000, 'not before S')
  assert.ok(
    Date.now() < lastAt + 3_000 + 300,
    `${Date.now() - lastAt} ms after the last checkpoint`,
  )
}

test('a stream that is silent while snapshots can be had makes nothing stale', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const revocation = { maxStalenessSeconds: 3 }
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', revocation })
  t.after(verifier.close)
  await verifier.ready()
  const sid = 'R'.repeat(22)
  const old = issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
  const revoked = issuer.mint({ sid })
  await setTimeout(300)
  issuer.silenceStreams()
  issuer.revoke({ sid })
  const startedAt = Date.now()
  let seenAfterMs: number | undefined
  while (Date.now() - startedAt < 6_000) {
    assert.equal(await refusalOf(verifier, old), undefined, `${Date.now() - startedAt} ms`)
    if ((await refusalOf(verifier, revoked)) !== undefined) seenAfterMs ??= Date.now() - startedAt
    await setTimeout(50)
  }
  assert.ok(seenAfterMs !== undefined && seenAfterMs < 2_500, `${seenAfterMs} ms`)
  assert.ok(issuer.feedRequests.stream >= 2, 'the silent stream was cut')
})

const strict = requireFresh({ maxStalenessSeconds: 3 })

/** As a strict route asks: `verify`, and then its requirement. */
async function strictRefusalOf(verifier: Verifier, token: string): Promise<VerifyError> {
  const auth = await verifier.verify(token)
  try {
    strict(auth)
  } catch (error) {
    assert.ok(error instanceof VerifyError, String(error))
    return error
  }
  throw new Error('it was let in')
}

test('behind a path that falls silent, a strict route refuses at its own S and the others go on', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const proxy = await startTcpProxy(t, issuer.issuer)
  const { issuer: name } = issuer
  const verifier = createVerifier({ issuer: name, audience: 'orders', fetch: proxy.fetch })
  t.after(verifier.close)
  await verifier.ready()
  const old = issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
  // From its second request on it is remembered.
  for (let times = 0; times < 3; times += 1) strict(await verifier.verify(old))
  const auth = await verifier.verify(old)
  const watch = verifier.watch(auth)
  const strictWatch = verifier.watch(auth, strict)

  proxy.goSilent()
  const silentAt = Date.now()
  while (await isLetIn(verifier, old)) {
    assert.ok(Date.now() < silentAt + 3_300, 'let in beyond the bound of the route')
    await setTimeout(20)
  }
  assert.ok(Date.now() >= checkpointAt(verifier) + 3_000, 'not before')
  const refusal = await strictRefusalOf(verifier, old)
  assert.equal(refusal.status, 401)
  assert.equal(refusal.reason, 'stale')
  assert.equal(
    refusal.challenge,
    'Bearer realm="orders", error="invalid_token", error_description="stale"',
  )
  strict(await verifier.verify(issuer.mint()))
  assert.equal(isFresh(verifier), true)
  await setTimeout(1_100)
  assert.equal((strictWatch.signal.reason as VerifyError).reason, 'stale')
  assert.equal(watch.signal.aborted, false)

  proxy.heal()
  const healedAt = Date.now()
  while (!(await isLetIn(verifier, old))) {
    assert.ok(Date.now() - healedAt < 12_000, 'it never healed')
    await setTimeout(20)
  }
})

async function isLetIn(verifier: Verifier, token: string): Promise<boolean> {
  const auth = await verifier.verify(token)
  try {
    strict(auth)
    return true
  } catch {
    return false
  }
}

test('a strict route keeps its bound where the verifier has given up its own', async (t) => {
  let now = Date.UTC(2026, 5, 1, 12)
  const issuer = await createTestIssuer({ algorithm: 'ES256', now: () => now })
  t.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    now: () => now,
    revocation: { whenStale: 'accept' },
  })
  t.after(verifier.close)
  await verifier.ready()
  const token = issuer.mint()
  strict(await verifier.verify(token))
  issuer.goDown('hang')
  now += 60_000
  await verifier.verify(token)
  assert.equal((await strictRefusalOf(verifier, token)).reason, 'stale')
})

test('a strict route that is laxer than its verifier is told to the operator once, and refuses no more than without it', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const toldOf = async (
    revocation: VerifierOptions['revocation'],
    seconds: readonly number[],
  ): Promise<readonly string[]> => {
    const told: string[] = []
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      ...(revocation && { revocation }),
      onWarning: ({ code, message }) => void told.push(`${code}: ${message}`),
    })
    t.after(verifier.close)
    const auth = await verifier.verify(issuer.mint())
    for (const maxStalenessSeconds of seconds) requireFresh({ maxStalenessSeconds })(auth)
    return told
  }
  const [warning = '', ...more] = await toldOf({ maxStalenessSeconds: 20 }, [20, 3, 60, 60, 90])
  assert.deepEqual(more, [])
  assert.match(
    warning,
    /^PORTCULLIS_REQUIRE_FRESH: requireFresh\(\{ maxStalenessSeconds: 60 \}\) changes nothing: tokens of http\S+ are refused as stale after 20 s everywhere$/,
  )
  assert.deepEqual(await toldOf({ maxStalenessSeconds: 20 }, [20]), [])
  assert.deepEqual(await toldOf({ whenStale: 'accept' }, [60]), [])
  assert.deepEqual(await toldOf('untilExpiry', [60]), [])
})
