import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'
import { waitUntil } from './wait-until.ts'

interface Bench {
  /** The issuer's, and the service's unless it has one of its own. */
  readonly clock: Clock
  readonly issuer: TestIssuer
  readonly verifier: Verifier
}

async function start(t: TestContext, options: Partial<VerifierOptions> = {}): Promise<Bench> {
  const clock = createClock()
  const { now } = clock
  const issuer = await createTestIssuer({ algorithm: 'ES256', now, feed: { checkpointMs: 20 } })
  t.after(issuer.close)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', now, ...options })
  t.after(verifier.close)
  await verifier.ready()
  return { clock, issuer, verifier }
}

/** Asks until the token is remembered, which is from its second request on. */
async function fateOf(verifier: Pick<Verifier, 'verify'>, token: string): Promise<string> {
  const fate = await oneFateOf(verifier, token)
  for (const again of [1, 2]) {
    assert.equal(await oneFateOf(verifier, token), fate, `request ${again} after the first`)
  }
  return fate
}

async function oneFateOf({ verify }: Pick<Verifier, 'verify'>, token: string): Promise<string> {
  try {
    const { claims } = await verify(token)
    return `accepted ${claims.jti}`
  } catch (error) {
    assert.ok(error instanceof VerifyError, String(error))
    return error.reason ?? error.code
  }
}

/** Until the issuer has vouched for this moment of its clock. */
async function untilVouched({ verifier, clock }: Bench): Promise<void> {
  await waitUntil(() => {
    const health = verifier.revocation()
    return health.followed && health.checkpointAt === clock.now()
  }, 'the checkpoint of this moment')
}

test('V84: a token that was let in is let in no more on its exp', async (t) => {
  const bench = await start(t, { leewaySeconds: 0 })
  const token = bench.issuer.mint({ jti: 'a' })
  bench.clock.advanceSeconds(899)
  await untilVouched(bench)
  assert.equal(await fateOf(bench.verifier, token), 'accepted a')
  assert.equal(await fateOf(bench.verifier, token), 'accepted a')
  bench.clock.advanceSeconds(1)
  assert.equal(await fateOf(bench.verifier, token), 'expired')
})

test('V85: what callers are given is the same at each request, and frozen', async (t) => {
  const { issuer, verifier } = await start(t)
  const token = issuer.mint({ act: { sub: 'gateway' } })
  await verifier.verify(token)
  const first = await verifier.verify(token)
  assert.equal(await verifier.verify(token), first, 'it was remembered when it came again')
  for (const value of [first, first.claims, first.claims.roles, first.claims.act]) {
    assert.ok(Object.isFrozen(value))
  }
})

test('V86: what was let in for one audience is judged anew for another', async (t) => {
  const { issuer, verifier } = await start(t)
  const reviews = verifier.withAudience('reviews')
  const one = issuer.mint({ jti: 'one' })
  const both = issuer.mint({ jti: 'both', aud: ['orders', 'reviews'] })
  for (const token of [one, both]) await fateOf(verifier, token)
  assert.equal(await fateOf(reviews, one), 'wrong-audience')
  assert.equal((await reviews.verify(both)).audience, 'reviews')
  assert.equal((await verifier.verify(both)).audience, 'orders')
})

test('a token that is shown to another audience is still remembered for its own', async (t) => {
  const { issuer, verifier } = await start(t)
  const token = issuer.mint()
  await fateOf(verifier, token)
  const remembered = await verifier.verify(token)
  assert.equal(await fateOf(verifier.withAudience('reviews'), token), 'wrong-audience')
  assert.equal(await verifier.verify(token), remembered)
})

test('V87: the other spelling of an ECDSA signature is a token of its own, revoked with the first', async (t) => {
  const { issuer, verifier } = await start(t)
  const jti = 'twin'
  const token = issuer.mint({ jti })
  const twin = twinOf(token)
  assert.notEqual(twin, token)
  for (const spelling of [token, twin, token, twin]) {
    assert.equal(await fateOf(verifier, spelling), 'accepted twin')
  }
  await untilApplied(verifier, issuer.revoke({ jti }))
  for (const spelling of [token, twin]) assert.equal(await fateOf(verifier, spelling), 'revoked')
})

test('V88: a token that came before its key is good as soon as the key is there', async (t) => {
  const bench = await start(t)
  const { clock, issuer, verifier } = bench
  const keySet = async (): Promise<unknown> =>
    (await fetch(`${issuer.issuer}/.well-known/jwks.json`)).json()
  const before = await keySet()
  issuer.rotate()
  const after = await keySet()
  issuer.publish(before)
  const token = issuer.mint({ jti: 'early' })
  assert.equal(await fateOf(verifier, token), 'unknown-key')
  issuer.publish(after)
  clock.advanceSeconds(6)
  await untilVouched(bench)
  assert.equal(await fateOf(verifier, token), 'accepted early')
})

test('V89: a token that was let in is refused once anything about it is revoked', async (t) => {
  const { issuer, verifier } = await start(t)
  const ids = { sid: 'S'.repeat(22), sub: 'alice', gen: 4, cgen: 7, client_id: 'web' }
  const takenBackBy = [
    { sid: ids.sid },
    { sub: ids.sub, floor: 5 },
    { clientId: ids.client_id, floor: 8 },
    { jti: 'j' },
    { all: 9 },
    { kid: issuer.kid },
  ]
  for (const [at, what] of takenBackBy.entries()) {
    const bench = at === takenBackBy.length - 1 ? { issuer, verifier } : await start(t)
    const token = bench.issuer.mint({ ...ids, jti: 'j' })
    assert.equal(await fateOf(bench.verifier, token), 'accepted j')
    await untilApplied(bench.verifier, bench.issuer.revoke(what))
    const fate = await fateOf(bench.verifier, token)
    assert.equal(fate, 'kid' in what ? 'key-withdrawn' : 'revoked', JSON.stringify(what))
  }
})

test('V90: a token that was too early is not remembered as bad', async (t) => {
  const bench = await start(t)
  const later = Math.floor(bench.clock.now() / 1000) + 20
  const token = bench.issuer.mint({ jti: 'early', nbf: later })
  assert.equal(await fateOf(bench.verifier, token), 'not-yet-valid')
  bench.clock.advanceSeconds(20)
  await untilVouched(bench)
  assert.equal(await fateOf(bench.verifier, token), 'accepted early')
})

/** (r, n − s) signs what (r, s) signs. */
function twinOf(token: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const end = token.lastIndexOf('.') + 1
  const octets = Buffer.from(token.slice(end), 'base64url')
  const s = order - BigInt(`0x${octets.toString('hex', 32)}`)
  octets.write(s.toString(16).padStart(64, '0'), 32, 'hex')
  return token.slice(0, end) + octets.toString('base64url')
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'mint' } as const) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), at: fc.nat(30) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('revoke' as const),
      at: fc.nat(30),
      what: fc.constantFrom('session', 'account', 'token', 'client'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'rotate' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'withdraw' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      seconds: fc.constantFrom(1, 31, 400, 905),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('drift' as const),
      seconds: fc.constantFrom(-3, 0, 3),
    }),
  },
)

/** How often what was told, over all sequences: one in which nothing happens would prove nothing. */
const told = new Map<string, number>()

test('a verifier that remembers and one that does not tell the same, whatever happens', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 24 }), async (steps) => {
      // What the clock of the service is behind that of the issuer.
      const drift = { seconds: 0 }
      const bench = await startDrifting(t, drift)
      try {
        await compare(bench, drift, steps)
      } finally {
        await bench.forgetful.close()
        await bench.verifier.close()
        await bench.issuer.close()
      }
    }),
    { numRuns: 25 },
  )
  for (const fate of ['accepted', 'revoked', 'expired', 'key-withdrawn']) {
    assert.ok((told.get(fate) ?? 0) >= 5, `${fate} was told ${told.get(fate) ?? 0} times`)
  }
})

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

interface DriftingBench extends Bench {
  readonly forgetful: Verifier
}

async function startDrifting(
  t: TestContext,
  drift: { readonly seconds: number },
): Promise<DriftingBench> {
  const clock = createClock()
  const feed = { checkpointMs: 20 }
  const issuer = await createTestIssuer({ algorithm: 'ES256', now: clock.now, feed })
  t.after(issuer.close)
  const settings = {
    issuer: issuer.issuer,
    audience: 'orders',
    now: () => clock.now() - drift.seconds * 1000,
  }
  const verifier = createVerifier(settings)
  const forgetful = createVerifier({ ...settings, tokenCacheBytesMax: 0 })
  await Promise.all([verifier.ready(), forgetful.ready()])
  return { clock, issuer, verifier, forgetful }
}

async function compare(
  bench: DriftingBench,
  drift: { seconds: number },
  steps: readonly Step[],
): Promise<void> {
  const { clock, issuer, verifier, forgetful } = bench
  const tokens = [mintOne(issuer, 0)]
  for (const taken of steps) {
    const about = 'at' in taken ? taken.at % tokens.length : 0
    if (taken.kind === 'mint') tokens.push(mintOne(issuer, tokens.length))
    else if (taken.kind === 'rotate') issuer.rotate()
    else if (taken.kind === 'withdraw') withdrawOld(issuer)
    else if (taken.kind === 'drift') drift.seconds = taken.seconds
    else if (taken.kind === 'step') clock.advanceSeconds(taken.seconds)
    else if (taken.kind === 'ask') await fateOf(verifier, tokens[about] ?? '')
    else issuer.revoke(revokedOf(taken.what, about))
    // So that the checkpoint which is waited for was signed after the step.
    clock.advanceSeconds(1)
    await untilVouched(bench)
    await untilVouched({ ...bench, verifier: forgetful })
    for (const token of tokens) {
      const fate = lastingFate(await fateOf(forgetful, token))
      assert.equal(lastingFate(await fateOf(verifier, token)), fate)
      const [word = ''] = fate.split(' ')
      told.set(word, (told.get(word) ?? 0) + 1)
    }
  }
}

/** A withdrawn key is unknown once the key set was read again, which verifiers do when chance tells them. */
function lastingFate(fate: string): string {
  return fate === 'unknown-key' ? 'key-withdrawn' : fate
}

const kidsUsed = new WeakMap<TestIssuer, string[]>()

function mintOne(issuer: TestIssuer, at: number): string {
  const used = kidsUsed.get(issuer) ?? []
  kidsUsed.set(issuer, [...used, issuer.kid])
  const names = { sub: `account ${at % 3}`, sid: `session ${at}`.padEnd(22, '-'), jti: `j${at}` }
  return issuer.mint({ ...names, gen: 1, cgen: 1, client_id: `client ${at % 2}` })
}

/** The first key that has signed and signs no more. */
function withdrawOld(issuer: TestIssuer): void {
  const old = (kidsUsed.get(issuer) ?? []).find((kid) => kid !== issuer.kid)
  if (old !== undefined) issuer.withdraw(old)
}

function revokedOf(what: string, at: number): Parameters<TestIssuer['revoke']>[0] {
  switch (what) {
    case 'session':
      return { sid: `session ${at}`.padEnd(22, '-') }
    case 'account':
      return { sub: `account ${at % 3}`, floor: 2 }
    case 'client':
      return { clientId: `client ${at % 2}`, floor: 2 }
    default:
      return { jti: `j${at}` }
  }
}
