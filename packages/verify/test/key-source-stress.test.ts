import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf, startBench, withRandomKid } from './issuer-bench.ts'
import { waitUntil } from './wait-until.ts'

/** What libraries for JWTs get wrong about key sets, one test each, with the fetches counted. */
const requestsMany = 300

test('300 requests at once at a cold start cost one fetch', async (context) => {
  const { issuer, verifier } = await startBench(context)
  const tokens = Array.from({ length: requestsMany }, () => issuer.mint())
  const verified = await Promise.all(tokens.map((token) => verifier.verify(token)))
  assert.equal(verified.length, requestsMany)
  assert.deepEqual(issuer.requests, { metadata: 1, jwks: 1, token: 0 })
})

test('300 random kids one by one cost a burst of four fetches and one a second', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  await verifier.ready()
  const known = issuer.mint()
  for (let count = 0; count < requestsMany; count += 1) {
    assert.equal((await refusalOf(verifier, withRandomKid(issuer))).status, 401)
    await verifier.verify(known)
    clock.advanceSeconds(0.01)
  }
  assert.equal(issuer.requests.jwks, 1 + 4 + 2)
})

test('300 random kids at once cost two fetches at most, and known kids wait for none of them', async (context) => {
  const { issuer, verifier } = await startBench(context)
  await verifier.ready()
  const known = issuer.mint()
  issuer.goDown('hang')
  const tokens = Array.from({ length: requestsMany }, () => withRandomKid(issuer))
  let answered = 0
  const flood = tokens.map(async (token) => {
    await refusalOf(verifier, token)
    answered += 1
  })
  await waitUntil(() => issuer.requests.jwks === 2, 'the fetch of the flood')
  for (let count = 0; count < 50; count += 1) await verifier.verify(known)
  assert.equal(answered, 0, 'the flood still waits for its fetch')
  await Promise.all(flood)
  assert.ok(issuer.requests.jwks <= 1 + 2, `${issuer.requests.jwks} fetches`)
})

test('a token of a new key right after a fetch is accepted at once', async (context) => {
  const { issuer, verifier } = await startBench(context)
  await verifier.verify(issuer.mint())
  issuer.rotate()
  await verifier.verify(issuer.mint())
  assert.equal(issuer.requests.jwks, 2)
})

test('a token of a new key after a few random kids is accepted at once', async (context) => {
  const { issuer, verifier } = await startBench(context)
  await verifier.ready()
  for (let count = 0; count < 3; count += 1) await refusalOf(verifier, withRandomKid(issuer))
  issuer.rotate()
  await verifier.verify(issuer.mint())
})

test('a token of a new key is accepted within a second of any flood, whoever asks first', async (context) => {
  for (const isFloodFirst of [true, false]) {
    const { clock, issuer, verifier } = await startBench(context)
    await verifier.ready()
    const known = issuer.mint()
    for (let count = 0; count < requestsMany; count += 1) {
      await refusalOf(verifier, withRandomKid(issuer))
    }
    issuer.rotate()
    // The allowance of unknown kids is spent; a 503 in its place would let a flood feign an outage.
    assert.equal((await refusalOf(verifier, issuer.mint())).reason, 'unknown-key')
    clock.advanceSeconds(1)
    const flood = async (): Promise<unknown> =>
      Promise.all(
        Array.from({ length: requestsMany }, () => refusalOf(verifier, withRandomKid(issuer))),
      )
    const before = isFloodFirst ? flood() : undefined
    const fresh = verifier.verify(issuer.mint())
    const after = isFloodFirst ? undefined : flood()
    await verifier.verify(known)
    await Promise.all([fresh, before, after])
  }
})

test('50 bad signatures on a known kid cost no fetch', async (context) => {
  const { issuer, verifier } = await startBench(context)
  await verifier.ready()
  for (let count = 0; count < 50; count += 1) {
    const forged = issuer.forge({ signature: 'stranger' })
    assert.equal((await refusalOf(verifier, forged)).reason, 'bad-signature')
  }
  assert.deepEqual(issuer.requests, { metadata: 1, jwks: 1, token: 0 })
})

test('known kids go on while the issuer answers errors, for 15 minutes and no longer', async (context) => {
  const { clock, issuer, verifier } = await startBench(context, { maxAgeSeconds: 10 })
  await verifier.ready()
  issuer.goDown()
  clock.advanceSeconds(899.999)
  await verifier.verify(issuer.mint())
  clock.advanceSeconds(0.001)
  const { code, status } = await refusalOf(verifier, issuer.mint())
  assert.deepEqual([code, status], ['keys-unavailable', 503])
})

test('21 requests while the issuer is down cost one fetch a step of the back-off', async (context) => {
  const { clock, issuer, verifier } = await startBench(context, { maxAgeSeconds: 10 })
  await verifier.ready()
  issuer.goDown()
  clock.advanceSeconds(60)
  const fetches = (): number => issuer.requests.metadata + issuer.requests.jwks - 2
  for (let count = 0; count < 21; count += 1) await verifier.verify(issuer.mint())
  assert.equal(fetches(), 1)
  for (const [steps, seconds] of [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30].entries()) {
    clock.advanceSeconds(seconds * 0.79)
    for (let count = 0; count < 21; count += 1) await verifier.verify(issuer.mint())
    assert.equal(fetches(), 1 + steps, 'too early')
    clock.advanceSeconds(seconds * 0.21)
    for (let count = 0; count < 21; count += 1) await verifier.verify(issuer.mint())
    // Waits for the fetch that those have started.
    await refusalOf(verifier, withRandomKid(issuer))
    assert.equal(fetches(), 2 + steps)
  }
})

test('a withdrawn key is refused within max-age, by an idle service at its first request', async (context) => {
  const { clock, issuer, verifier } = await startBench(context, { maxAgeSeconds: 100 })
  const { kid } = issuer
  const stolen = issuer.mint()
  await verifier.verify(stolen)
  issuer.rotate()
  issuer.withdraw(kid)
  clock.advanceSeconds(100)
  const refusals = await Promise.all(Array.from({ length: 20 }, () => refusalOf(verifier, stolen)))
  assert.ok(refusals.every(({ reason }) => reason === 'unknown-key'))
  assert.equal(issuer.requests.jwks, 2)
})

test('a withdrawn key is refused within max-age by a busy service, which never waits', async (context) => {
  const { clock, issuer, verifier } = await startBench(context, { maxAgeSeconds: 100 })
  const { kid } = issuer
  const stolen = issuer.mint()
  await verifier.verify(stolen)
  issuer.rotate()
  issuer.withdraw(kid)
  clock.advanceSeconds(79)
  await verifier.verify(stolen)
  clock.advanceSeconds(17)
  // The one whose request starts the refresh does not wait for it.
  await verifier.verify(stolen)
  // A kid that is unknown so far does.
  await verifier.verify(issuer.mint())
  assert.equal(issuer.requests.jwks, 2)
  assert.equal((await refusalOf(verifier, stolen)).reason, 'unknown-key')
})

test('a cold start with a dropped connection is a typed 503, and no key is made up', async (context) => {
  const { issuer, verifier } = await startBench(context)
  issuer.goDown('drop')
  for (const token of [issuer.mint(), issuer.forge({ signature: 'stranger' })]) {
    const { code, status, challenge, retryAfterSeconds } = await refusalOf(verifier, token)
    assert.deepEqual(
      { code, status, challenge, retryAfterSeconds },
      { code: 'keys-unavailable', status: 503, challenge: undefined, retryAfterSeconds: 1 },
    )
  }
  assert.deepEqual(issuer.requests, { metadata: 1, jwks: 0, token: 0 })
})
