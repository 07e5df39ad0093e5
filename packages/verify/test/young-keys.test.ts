import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Fetch, Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'
import { waitUntil } from './wait-until.ts'

interface Bench {
  readonly clock: Clock
  readonly issuer: TestIssuer
  readonly verifier: Verifier
  /** How often the service was told of a revocation that takes back what it has let in. */
  readonly told: () => number
  /** From now on its key set can be had, and its feed cannot. */
  readonly loseFeed: () => void
  readonly healFeed: () => void
  /** What comes in place of the key set, once it was read: a copy that somebody has kept. */
  readonly keepKeySet: () => Promise<void>
}

async function startBench(t: TestContext): Promise<Bench> {
  const clock = createClock()
  const { now } = clock
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', now, feed: { checkpointMs: 20 } })
  t.after(issuer.close)
  let isLost = false
  let ways = new AbortController()
  let copy: { readonly body: string; readonly headers: Headers } | undefined
  const request: Fetch = async (url, init) => {
    if (isLost && url.includes('/revocations/')) throw new TypeError('fetch failed')
    if (copy !== undefined && url.includes('jwks')) return new Response(copy.body, copy)
    const signal = AbortSignal.any([ways.signal, ...(init.signal ? [init.signal] : [])])
    return fetch(url, { ...init, signal })
  }
  let told = 0
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    now,
    fetch: request,
    onRevoked: ({ affects }) => {
      if (letIn !== undefined && affects(letIn)) told += 1
    },
  })
  t.after(verifier.close)
  await verifier.ready()
  let letIn: Awaited<ReturnType<Verifier['verify']>> | undefined
  const { verify } = verifier
  const remembering: Verifier = {
    ...verifier,
    verify: async (token) => {
      letIn = await verify(token)
      return letIn
    },
  }
  return {
    clock,
    issuer,
    verifier: remembering,
    told: () => told,
    loseFeed: () => {
      isLost = true
      ways.abort(new TypeError('the connection was reset'))
      ways = new AbortController()
    },
    healFeed: () => {
      isLost = false
    },
    keepKeySet: async () => {
      const response = await fetch(`${issuer.issuer}/.well-known/jwks.json`)
      assert.equal(response.status, 200)
      copy = { body: await response.text(), headers: response.headers }
    },
  }
}

async function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => {
      assert.ok(error instanceof VerifyError, String(error))
      return error.reason ?? error.code
    },
  )
}

/** One key is published ahead of its use, so only the second new one is not on the list of before. */
function rotateBeyondList(issuer: TestIssuer): void {
  issuer.rotate()
  issuer.rotate()
}

test('who has lost the feed lets in what a key has signed that the issuer has published since', async (t) => {
  const { clock, issuer, verifier, loseFeed } = await startBench(t)
  const before = issuer.mint()
  assert.equal(await fateOf(verifier, before), 'accepted')
  loseFeed()
  clock.advanceSeconds(60)
  rotateBeyondList(issuer)
  assert.equal(await fateOf(verifier, issuer.mint()), 'accepted')
  assert.equal(await fateOf(verifier, before), 'stale')
})

test('a young key that was withdrawn is refused as soon as the feed says so, and the service is told', async (t) => {
  const { clock, issuer, verifier, loseFeed, healFeed, told } = await startBench(t)
  loseFeed()
  clock.advanceSeconds(20)
  rotateBeyondList(issuer)
  const { kid } = issuer
  const token = issuer.mint()
  const watch = verifier.watch(await verifier.verify(token))
  assert.equal(told(), 0)
  issuer.rotate()
  issuer.withdraw(kid)
  assert.equal(await fateOf(verifier, token), 'accepted', 'it cannot know')
  clock.advanceSeconds(1)
  healFeed()
  await waitUntil(() => watch.signal.aborted, 'the end of the watch')
  assert.equal(await fateOf(verifier, token), 'key-withdrawn')
  assert.equal(await fateOf(verifier, issuer.mint()), 'accepted')
  assert.equal(told(), 1)
})

test('a key that was listed, and one that has a record, stay withdrawn whatever is published afterwards', async (t) => {
  const { clock, issuer, verifier, loseFeed, keepKeySet } = await startBench(t)
  const { kid } = issuer
  const stolen = (): string => issuer.mint({}, { kid })
  assert.equal(await fateOf(verifier, stolen()), 'accepted')
  await keepKeySet()
  issuer.rotate()
  await untilApplied(verifier, issuer.revoke({ kid }))
  loseFeed()
  clock.advanceSeconds(60)
  // An unknown key makes it fetch: what comes is the copy, and the withdrawn key is in it.
  rotateBeyondList(issuer)
  assert.equal(await fateOf(verifier, issuer.mint()), 'unknown-key')
  assert.equal(await fateOf(verifier, stolen()), 'key-withdrawn')
})

test('a copy of the key set from before the last checkpoint revives no key', async (t) => {
  const { clock, issuer, verifier, loseFeed, keepKeySet } = await startBench(t)
  rotateBeyondList(issuer)
  const { kid } = issuer
  await keepKeySet()
  // Nobody has asked for it, and it never was on a list that came here.
  issuer.rotate()
  issuer.withdraw(kid)
  clock.advanceSeconds(1)
  await waitUntil(() => {
    const health = verifier.revocation()
    return health.followed && health.checkpointAt === clock.now()
  }, 'a checkpoint')
  loseFeed()
  clock.advanceSeconds(25)
  assert.equal(await fateOf(verifier, issuer.mint({}, { kid })), 'key-withdrawn')
})
