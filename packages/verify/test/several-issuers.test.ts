import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { SeveralVerifiers, Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { authenticate } from '@portcullis/verify/fetch'
import { composeVerifiers, createIssuerChoice } from '../src/several-issuers.ts'
import { forgeToken } from '../src/testing/recipe.ts'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'

const red = 'https://red.example'
const blue = 'https://blue.example'

interface Tenants {
  readonly clock: Clock
  readonly red: ScriptedIssuer
  readonly blue: ScriptedIssuer
  readonly both: SeveralVerifiers
}

function start(t: TestContext): Tenants {
  const clock = createClock()
  const [first, second] = [red, blue].map((issuer) => scriptIssuer(t, { issuer, now: clock.now }))
  assert.ok(first && second)
  return {
    clock,
    red: first,
    blue: second,
    both: composeVerifiers([first.verifier(), second.verifier()]),
  }
}

async function fateOf(verifier: Pick<SeveralVerifiers, 'verify'>, token: unknown): Promise<string> {
  return verifier.verify(token as string).then(
    ({ claims }) => claims.iss,
    (error: unknown) =>
      error instanceof VerifyError ? (error.reason ?? error.code) : String(error),
  )
}

test('a token goes to the verifier of its issuer', async (t) => {
  const { both, ...tenants } = start(t)
  assert.deepEqual(both.issuers, [red, blue])
  assert.equal(both.audience, 'orders')
  assert.equal(await fateOf(both, tenants.red.mint()), red)
  assert.equal(tenants.blue.asked(paths.jwks), 0)
  assert.equal(await fateOf(both, tenants.blue.mint()), blue)
  assert.equal(tenants.red.asked(paths.jwks), 1)
})

test('an adapter takes it like any other verifier', async (t) => {
  const { both, blue: tenant } = start(t)
  const handle = authenticate(both)((_request, { claims }) => Response.json(claims.iss))
  const headers = { authorization: `Bearer ${tenant.mint()}` }
  const response = await handle(new Request('https://orders.example/', { headers }))
  assert.equal(await response.json(), blue)
})

test('one kid under two issuers is two keys', async (t) => {
  const tenants = start(t)
  const [redKey, blueKey] = [tenants.red.keys.current(), tenants.blue.keys.current()]
  const kid = 'the-same'
  tenants.red.keys.publish({ keys: [{ ...redKey.jwk, kid }] })
  tenants.blue.keys.publish({ keys: [{ ...blueKey.jwk, kid }] })
  // The feed lists other kids, so its word on keys stays out of this.
  const plain = composeVerifiers([
    tenants.red.verifier({ revocation: 'untilExpiry' }),
    tenants.blue.verifier({ revocation: 'untilExpiry' }),
  ])
  const forge = (issuer: string, key: typeof redKey): string => {
    const iat = Math.floor(tenants.clock.now() / 1000)
    const claims = {
      iss: issuer,
      sub: 's',
      aud: 'orders',
      iat,
      exp: iat + 60,
      jti: 'j',
      client_id: 'c',
    }
    const header = { alg: 'ES256', typ: 'at+jwt', kid }
    return forgeToken({}, { issuer, key, header, claims, now: tenants.clock.now })
  }
  for (const round of ['cold', 'warm']) {
    assert.equal(await fateOf(plain, forge(red, redKey)), red, round)
    assert.equal(await fateOf(plain, forge(blue, blueKey)), blue, round)
    assert.equal(await fateOf(plain, forge(red, blueKey)), 'bad-signature', round)
    assert.equal(await fateOf(plain, forge(blue, redKey)), 'bad-signature', round)
  }
})

// RFC 8725bis J14: keys count for their own issuer only.
test('a token that names one issuer and is signed by the other is refused', async (t) => {
  const { both, ...tenants } = start(t)
  await both.ready()
  assert.equal(await fateOf(both, tenants.red.mint({ iss: blue })), 'unknown-key')
  assert.equal(await fateOf(both, tenants.blue.mint({ iss: red })), 'unknown-key')
  assert.equal(await fateOf(both, tenants.blue.mint({ iss: blue })), blue)
})

test('RFC 8725bis J3: which algorithms are allowed is decided for each issuer', async (t) => {
  const tenants = start(t)
  // Both sign with ES256, which only one of them may.
  const both = composeVerifiers([
    tenants.red.verifier({ algorithms: ['ES256'] }),
    tenants.blue.verifier({ algorithms: ['RS256', 'EdDSA'] }),
  ])
  assert.equal(await fateOf(both, tenants.red.mint()), red)
  assert.equal(await fateOf(both, tenants.blue.mint()), 'algorithm-not-allowed')
  const swapped = composeVerifiers([
    tenants.red.verifier({ algorithms: ['RS256', 'EdDSA'] }),
    tenants.blue.verifier({ algorithms: ['ES256'] }),
  ])
  assert.equal(await fateOf(swapped, tenants.red.mint()), 'algorithm-not-allowed')
  assert.equal(await fateOf(swapped, tenants.blue.mint()), blue)
})

test('a token of another issuer is refused, and nothing is fetched for it', async (t) => {
  const { both, ...tenants } = start(t)
  const issuers: readonly unknown[] = [
    undefined,
    null,
    '',
    5,
    [red],
    [red, blue],
    { [red]: true },
    'https://evil.example',
    `${red}/`,
    `${red}:443`,
    `${red}.evil`,
    'https://RED.example',
    'http://red.example',
    ` ${red}`,
    '__proto__',
  ]
  for (const iss of issuers)
    assert.equal(await fateOf(both, tenants.red.mint({ iss })), 'wrong-issuer')
  assert.equal(tenants.red.asked(paths.metadata) + tenants.blue.asked(paths.metadata), 0)
  const error = await both.verify(tenants.red.mint({ iss: 'x' })).catch((caught: unknown) => caught)
  assert.ok(error instanceof VerifyError)
  assert.equal(error.status, 401)
  assert.match(String(error.challenge), /^Bearer realm="orders", error="invalid_token"/)
})

test('what is no token is malformed, and nothing is fetched for it', async (t) => {
  const { both, ...tenants } = start(t)
  const token = tenants.red.mint()
  for (const text of ['', 'x', `${token}.x`, `${token}=`, undefined, [token], 5]) {
    assert.equal(await fateOf(both, text), 'malformed')
  }
  assert.equal(tenants.red.asked(paths.metadata) + tenants.blue.asked(paths.metadata), 0)
  assert.equal(await fateOf(both, token), red)
})

const unavailable = (): Response => new Response(null, { status: 503 })

test('an outage of one issuer leaves the other at work', async (t) => {
  const { both, ...tenants } = start(t)
  for (const path of Object.values(paths)) tenants.blue.answer(path, unavailable)
  assert.equal(await fateOf(both, tenants.blue.mint()), 'keys-unavailable')
  assert.equal(await fateOf(both, tenants.red.mint()), red)
  await assert.rejects(both.ready(), { code: 'keys-unavailable' })
  assert.equal(await fateOf(both, tenants.red.mint()), red)
})

test('ready waits for every issuer, and health is told for each', async (t) => {
  const { both, ...tenants } = start(t)
  await both.ready()
  for (const tenant of [tenants.red, tenants.blue]) {
    assert.equal(tenant.asked(paths.jwks), 1)
    assert.equal(tenant.asked(paths.snapshot), 1)
  }
  const health = both.revocation()
  assert.deepEqual([...health.keys()], [red, blue])
  assert.ok([...health.values()].every((one) => one.followed && one.isFresh))
})

test('what one issuer revokes is revoked for its own tokens only', async (t) => {
  const { both, ...tenants } = start(t)
  const sid = 'R'.repeat(22)
  tenants.red.feed.append({ sid })
  await both.ready()
  assert.equal(await fateOf(both, tenants.red.mint({ sid })), 'revoked')
  assert.equal(await fateOf(both, tenants.blue.mint({ sid })), blue)
})

test('a watch is that of the verifier which has verified the token', async (t) => {
  const { both, clock, ...tenants } = start(t)
  const { signal, close } = both.watch(await both.verify(tenants.blue.mint()))
  t.after(close)
  assert.equal(signal.aborted, false)
  const expired = await both.verify(tenants.red.mint())
  clock.advanceSeconds(906)
  assert.equal(both.watch(expired).signal.aborted, true)

  const { claims } = expired
  assert.throws(() => both.watch({ ...expired, claims: { ...claims } }), TypeError)
  assert.throws(() => both.watch({ ...expired, claims: { ...claims, iss: 'x' } }), TypeError)
})

test('whose a token is may be remembered; whether it is good is judged each time', async (t) => {
  const { both, clock, ...tenants } = start(t)
  for (const tenant of [tenants.red, tenants.blue]) {
    const token = tenant.mint()
    for (let times = 0; times < 4; times += 1) {
      assert.equal((await both.verify(token)).claims.iss, tenant.issuer)
    }
    clock.advanceSeconds(906)
    await assert.rejects(both.verify(token), { reason: 'expired' })
  }
})

test('close closes the verifier of every issuer', async (t) => {
  const { both, ...tenants } = start(t)
  await both.ready()
  const watches = [tenants.red, tenants.blue].map(async (tenant) =>
    both.watch(await both.verify(tenant.mint())),
  )
  const signals = (await Promise.all(watches)).map(({ signal }) => signal)
  await both.close()
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, true],
  )
  await assert.rejects(both.ready(), { code: 'feed-unavailable' })
})

test('withAudience is that of every issuer', async (t) => {
  const { both, ...tenants } = start(t)
  const reviews = both.withAudience('reviews')
  assert.equal(reviews.audience, 'reviews')
  for (const [issuer, tenant] of [
    [red, tenants.red],
    [blue, tenants.blue],
  ] as const) {
    assert.equal(await fateOf(reviews, tenant.mint({ aud: 'reviews' })), issuer)
    assert.equal(await fateOf(reviews, tenant.mint()), 'wrong-audience')
    assert.equal(tenant.asked(paths.jwks), 1)
  }
})

function of(issuer: string, audience = 'orders'): Verifier {
  return createVerifier({ issuer, audience, revocation: 'untilExpiry' })
}

test('no verifier, two of one issuer, or two audiences are a mistake at once', () => {
  assert.throws(() => composeVerifiers([]), TypeError)
  assert.throws(() => composeVerifiers([of(red), of(blue), of(red)]), /the same issuer/)
  assert.throws(() => composeVerifiers([of(red), of(blue, 'reviews')]), /the same audience/)
  assert.deepEqual(composeVerifiers([of(red)]).issuers, [red])
})

test('the choice is made by exact equality and by nothing inherited', () => {
  const choice = createIssuerChoice([{ issuer: red }, { issuer: 'toString' }])
  assert.deepEqual(choice.forIssuer(red), { issuer: red })
  for (const issuer of [blue, undefined, [red], 'constructor', '__proto__', Object(red)]) {
    assert.equal(choice.forIssuer(issuer), undefined)
  }
  assert.equal(createIssuerChoice([]).forIssuer(red), undefined)
})
