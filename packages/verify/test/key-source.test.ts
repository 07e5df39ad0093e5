import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'
import { createKeySetParser } from '../src/issuer/key-set.ts'
import { createKeySource } from '../src/issuer/key-source.ts'
import { requireClock } from '../src/option-checks.ts'
import { processTimers } from '../src/timers.ts'
import { createClock } from './clock.ts'
import { refusalOf, startBench, withRandomKid } from './issuer-bench.ts'
import { waitUntil } from './wait-until.ts'

test('a thousand requests at a cold start cost one fetch of each document', async (context) => {
  const { issuer, verifier } = await startBench(context)
  const token = issuer.mint()
  const verified = await Promise.all(Array.from({ length: 1_000 }, () => verifier.verify(token)))
  assert.equal(verified.length, 1_000)
  assert.deepEqual(issuer.requests, { metadata: 1, jwks: 1, token: 0 })
})

test('verifiers of one issuer for several audiences share its keys', async (context) => {
  const { issuer, verifier } = await startBench(context)
  const reviews = verifier.withAudience('reviews')
  await verifier.verify(issuer.mint())
  const { audience } = await reviews.verify(issuer.mint({ aud: ['reviews'] }))
  assert.equal(audience, 'reviews')
  assert.equal((await refusalOf(reviews, issuer.mint())).reason, 'wrong-audience')
  assert.deepEqual(issuer.requests, { metadata: 1, jwks: 1, token: 0 })
})

test('while the keys are fresh nothing is fetched, not even for bad signatures', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  await verifier.ready()
  for (let count = 0; count < 50; count += 1) {
    clock.advanceSeconds(5)
    await verifier.verify(issuer.mint())
    assert.equal(
      (await refusalOf(verifier, issuer.forge({ signature: 'stranger' }))).reason,
      'bad-signature',
    )
  }
  assert.equal(issuer.requests.jwks, 1)
})

test('one unknown kid that keeps coming back is asked for once in five seconds', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  await verifier.ready()
  const token = withRandomKid(issuer)
  for (let count = 0; count < 50; count += 1) await refusalOf(verifier, token)
  assert.equal(issuer.requests.jwks, 2)
  clock.advanceSeconds(5)
  await refusalOf(verifier, token)
  assert.equal(issuer.requests.jwks, 3)
})

test('the memory of absent kids is bounded and forgets the oldest', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  await verifier.ready()
  const tokens = Array.from({ length: 600 }, () => withRandomKid(issuer))
  await Promise.all(tokens.map((token) => refusalOf(verifier, token)))
  const fetchesBefore = issuer.requests.jwks
  clock.advanceSeconds(1)
  await refusalOf(verifier, tokens.at(-1) ?? '')
  assert.equal(issuer.requests.jwks, fetchesBefore, 'the newest is remembered')
  await refusalOf(verifier, tokens[0] ?? '')
  assert.equal(issuer.requests.jwks, fetchesBefore + 1, 'the oldest is asked for again')
})

test('near their max-age keys are refreshed behind the request that uses them', async (context) => {
  const { clock, issuer, verifier } = await startBench(context, { maxAgeSeconds: 100 })
  await verifier.verify(issuer.mint())
  clock.advanceSeconds(79)
  await verifier.verify(issuer.mint())
  assert.equal(issuer.requests.jwks, 1)
  clock.advanceSeconds(17)
  issuer.goDown('hang')
  await verifier.verify(issuer.mint())
  await waitUntil(() => issuer.requests.jwks === 2, 'the refresh')
})

test('known kids outlive an outage of 15 minutes, with one fetch a back-off step', async (context) => {
  const { clock, issuer, verifier } = await startBench(context, { maxAgeSeconds: 10 })
  await verifier.ready()
  issuer.goDown()
  const known = issuer.mint()
  const unknown = withRandomKid(issuer)
  for (let second = 1; second < 900; second += 1) {
    clock.advanceSeconds(1)
    await verifier.verify(known)
    // An unknown kid waits for the fetch that is under way, so none is still open afterwards.
    assert.equal((await refusalOf(verifier, unknown)).code, 'keys-unavailable')
  }
  // Seven steps from a quarter of a second to 16 seconds, and then one every 24 to 30 seconds.
  const fetches = issuer.requests.metadata + issuer.requests.jwks - 2
  assert.ok(fetches >= 7 + 28 && fetches <= 7 + 36, `${fetches} fetches`)

  clock.advanceSeconds(1)
  const refusal = await refusalOf(verifier, issuer.mint())
  assert.equal(refusal.code, 'keys-unavailable')
  assert.equal(refusal.status, 503)
  assert.equal(refusal.challenge, undefined)

  issuer.comeBack()
  clock.advanceSeconds(30)
  await verifier.verify(issuer.mint())
})

test('at a cold start without an issuer every request is a 503, and one fetch a step', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  issuer.goDown('drop')
  await assert.rejects(verifier.ready(), { code: 'keys-unavailable', status: 503 })
  for (let count = 0; count < 20; count += 1) {
    const refusal = await refusalOf(verifier, issuer.mint())
    assert.equal(refusal.code, 'keys-unavailable')
    assert.equal(refusal.retryAfterSeconds, 1)
  }
  assert.equal(issuer.requests.metadata, 1)
  for (const [waited, retryAfterSeconds] of [
    [0.25, 1],
    [0.5, 1],
    [1, 2],
  ] as const) {
    clock.advanceSeconds(waited * 0.79)
    const { metadata } = issuer.requests
    await refusalOf(verifier, issuer.mint())
    assert.equal(issuer.requests.metadata, metadata, 'too early')
    clock.advanceSeconds(waited * 0.21)
    const refusal = await refusalOf(verifier, issuer.mint())
    assert.equal(refusal.retryAfterSeconds, retryAfterSeconds)
    assert.equal(issuer.requests.metadata, metadata + 1)
  }

  issuer.comeBack()
  clock.advanceSeconds(2)
  await verifier.verify(issuer.mint())
  await verifier.ready()

  // The next outage begins with the shortest step again.
  issuer.goDown()
  clock.advanceSeconds(900)
  assert.equal((await refusalOf(verifier, issuer.mint())).retryAfterSeconds, 1)
})

test('while keys cannot be had, a token that no key could save is still a 401', async (context) => {
  const { issuer, verifier } = await startBench(context)
  issuer.goDown()
  assert.equal((await refusalOf(verifier, 'a.b.c')).status, 401)
  assert.equal((await refusalOf(verifier, issuer.mint({}, { typ: 'JWT' }))).status, 401)
  assert.equal((await refusalOf(verifier, issuer.mint({}, { alg: 'none' }))).status, 401)
  assert.equal(issuer.requests.metadata, 0)
})

test('an unknown kid during an outage may be a new key, so it is a 503', async (context) => {
  const { issuer, verifier } = await startBench(context)
  await verifier.ready()
  issuer.rotate()
  issuer.goDown()
  for (let count = 0; count < 10; count += 1) {
    assert.equal((await refusalOf(verifier, issuer.mint())).code, 'keys-unavailable')
  }
  assert.equal(issuer.requests.jwks, 2)
})

test('what is not a key set leaves the old keys in place', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  await verifier.ready()
  const entry = { kty: 'RSA', kid: 'x', n: 'AQAB', e: 'AQAB' }
  const documents = {
    html: '<html>maintenance</html>',
    nothing: '',
    'no keys': { keys: [] },
    'keys as an object': { keys: { 0: entry } },
    'only unusable keys': { keys: [entry] },
    'ten thousand keys': { keys: Array.from({ length: 10_000 }, () => entry) },
    '33 keys': { keys: Array.from({ length: 33 }, (_value, at) => ({ kid: `${at}` })) },
    'deep JSON': `{"keys":${'['.repeat(500)}${']'.repeat(500)}}`,
    'two members named keys': '{"keys":[],"keys":[]}',
    'a long body': { keys: [], note: 'x'.repeat(1_000_000) },
  }
  for (const [name, document] of Object.entries(documents)) {
    issuer.publish(document)
    clock.advanceSeconds(31)
    // An unknown kid waits for the fetch, so its refusal tells what became of it.
    const refusal = await refusalOf(verifier, withRandomKid(issuer))
    assert.equal(refusal.code, 'keys-unavailable', name)
    await verifier.verify(issuer.mint())
  }
  assert.equal(issuer.requests.jwks, 1 + Object.keys(documents).length)
})

test('a clock that is set back does not make keys younger', async (context) => {
  const { clock, issuer, verifier } = await startBench(context, { maxAgeSeconds: 10 })
  await verifier.ready()
  clock.advanceSeconds(-3_600)
  await verifier.verify(issuer.mint())
  assert.equal(issuer.requests.jwks, 1)
  clock.advanceSeconds(10)
  await verifier.verify(issuer.mint())
  await waitUntil(() => issuer.requests.jwks === 2, 'the refresh after the max-age')
})

test('a clock that jumps ahead costs one fetch and no request', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  await verifier.ready()
  clock.advanceSeconds(3_600)
  await Promise.all(Array.from({ length: 50 }, () => verifier.verify(issuer.mint())))
  assert.equal(issuer.requests.jwks, 2)
})

test('a checkpoint that lists the keys keeps them usable, counted from its own time', async () => {
  for (const [ageMs, isUsable] of [
    [0, true],
    [99_000, true],
    [100_000, false],
    [Infinity, false],
  ] as const) {
    const clock = createClock()
    const jwk = publicJwk(algorithmNamed('EdDSA').generateKeyPair().publicKey, 'EdDSA')
    const keys = createKeySetParser()({ keys: [jwk] })
    assert.ok(keys)
    let isDown = false
    const source = createKeySource({
      timers: processTimers,
      now: clock.now,
      fetchKeySet: async () =>
        isDown ? { kind: 'failed', why: 'down' } : { kind: 'key-set', keys, maxAgeSeconds: 300 },
    })
    source.confirm(0)
    await source.ready()
    isDown = true
    clock.advanceSeconds(800)
    source.confirm(ageMs)
    clock.advanceSeconds(800)
    assert.equal((await source.find(jwk.kid)).kind, isUsable ? 'key' : 'unavailable', `${ageMs} ms`)
  }
})

test('a clock that once answers no number is refused then, and the keys are as before', async () => {
  const clock = createClock()
  const jwk = publicJwk(algorithmNamed('EdDSA').generateKeyPair().publicKey, 'EdDSA')
  const keys = createKeySetParser()({ keys: [jwk] })
  assert.ok(keys)
  let reading: number | undefined
  let fetches = 0
  let isDown = false
  const source = createKeySource({
    timers: processTimers,
    now: requireClock(() => reading ?? clock.now()),
    fetchKeySet: async () => {
      fetches += 1
      return isDown
        ? { kind: 'failed', why: 'down' }
        : { kind: 'key-set', keys, maxAgeSeconds: 300 }
    },
  })
  await source.ready()
  for (reading of [Number.NaN, Infinity, -Infinity]) {
    assert.throws(() => source.held(jwk.kid), TypeError)
    await assert.rejects(source.find(jwk.kid), TypeError)
  }
  reading = undefined
  for (let count = 0; count < 20; count += 1) assert.ok(source.held(jwk.kid))
  assert.equal(fetches, 1)
  isDown = true
  clock.advanceSeconds(900)
  assert.equal((await source.find(jwk.kid)).kind, 'unavailable', 'the age still counts')
  assert.throws(
    () =>
      createKeySource({
        timers: processTimers,
        now: requireClock(() => Number.NaN),
        fetchKeySet: async () => assert.fail(),
      }),
    TypeError,
  )
})

test('a clock that fails during a refresh behind the requests ends no process', async () => {
  const clock = createClock()
  const jwk = publicJwk(algorithmNamed('EdDSA').generateKeyPair().publicKey, 'EdDSA')
  const keys = createKeySetParser()({ keys: [jwk] })
  assert.ok(keys)
  let reading: number | undefined
  let fetches = 0
  const source = createKeySource({
    timers: processTimers,
    now: requireClock(() => reading ?? clock.now()),
    fetchKeySet: async () => {
      fetches += 1
      if (fetches === 1) return { kind: 'key-set', keys, maxAgeSeconds: 300 }
      reading = Number.NaN
      return { kind: 'failed', why: 'down' }
    },
  })
  await source.ready()
  clock.advanceSeconds(299)
  assert.ok(source.held(jwk.kid))
  await setImmediate()
  reading = undefined
  clock.advanceSeconds(2)
  await assert.rejects(source.find(jwk.kid), TypeError, 'the one that waits for it is told')
  assert.equal(fetches, 3)
})
