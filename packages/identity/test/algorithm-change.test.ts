import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { Keyring } from '../src/domain/keyring.ts'
import { lineUnwantedMsMax } from '../src/domain/key-upkeep.ts'
import { createTokenSigner } from '../src/domain/token-signing.ts'
import { createChosenClock } from './chosen-clock.ts'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import {
  accessTokenSecondsMax,
  claims,
  insertHead,
  keyIn,
  kidsOf,
  kidsOfHead,
  open,
  openStore,
  openTwice,
  publishedMsMin,
} from './opened-keyring.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, ordersAndReviews, startRunningIdentity } from './running-identity.ts'

const old: ReadonlySet<AlgorithmName> = new Set(['ES256'])
const both: ReadonlySet<AlgorithmName> = new Set(['EdDSA', 'ES256'])
const minuteMs = 60_000
const stepMs = 30_000

/** A verifier that has fetched the key set now, and never gets another one. */
function holderOfKeySet(keyring: Keyring, now: () => number): Verifier {
  let keySet: object | undefined
  return createVerifier({
    issuer: claims.iss,
    audience: 'orders',
    revocation: 'untilExpiry',
    now,
    fetch: async (url) => {
      if (!url.endsWith('jwks.json')) {
        return Response.json({ issuer: claims.iss, jwks_uri: `${claims.iss}/jwks.json` })
      }
      if (keySet !== undefined) return new Response('', { status: 503 })
      keySet = keyring.publicJwks()
      return Response.json(keySet, { headers: { 'cache-control': 'max-age=300' } })
    },
  })
}

function tokensOf(keyring: Keyring, now: () => number): () => Promise<string> {
  const sign = createTokenSigner({ keyring, sharedSecrets: undefined, encrypt: encryptNothing })
  return () => {
    const iat = Math.floor(now() / 1000)
    const times = { iat, exp: iat + accessTokenSecondsMax }
    return sign({ ...claims, ...times }, { algorithms: ['EdDSA', 'ES256'] })
  }
}

testOnEngines(
  'a new algorithm signs only when every copy of the key set in use has its key, and the old one until then',
  async (t, engine) => {
    const clock = createChosenClock()
    const [first, second] = await openTwice(t, engine, clock.now)
    await insertHead(first)
    const before = await open(first, { wanted: old })
    clock.advanceMs(publishedMsMin)
    await before.tick()
    const changed = await open(second, { wanted: both })
    const mint = tokensOf(changed, clock.now)
    const algorithms: unknown[] = []
    let verified = 0
    const verifiers: { readonly at: number; readonly verifier: Verifier }[] = []
    for (let passedMs = 0; passedMs <= publishedMsMin + minuteMs; passedMs += stepMs) {
      // The node that has not changed over serves the key set too, a tick later.
      const keyring = (passedMs / stepMs) % 2 === 0 ? before : changed
      const verifier = holderOfKeySet(keyring, clock.now)
      await verifier.ready()
      verifiers.push({ at: clock.now(), verifier })
      const token = await mint()
      algorithms.push(decodeToken(token).header['alg'])
      for (const held of verifiers.filter(({ at }) => clock.now() - at <= 600_000)) {
        await held.verifier.verify(token)
        verified += 1
      }
      clock.advanceMs(stepMs)
      await before.tick()
      await changed.tick()
    }
    assert.ok(verified > 200, `only ${verified} tokens were verified`)
    const turn = algorithms.indexOf('EdDSA')
    assert.equal(turn, Math.ceil(publishedMsMin / stepMs))
    assert.deepEqual(new Set(algorithms.slice(0, turn)), new Set(['ES256']))
    assert.deepEqual(new Set(algorithms.slice(turn)), new Set(['EdDSA']))
  },
)

testOnEngines('the way back needs no waiting: the old key was never gone', async (t, engine) => {
  const clock = createChosenClock()
  const [database] = await openTwice(t, engine, clock.now)
  await open(database, { wanted: both })
  clock.advanceMs(publishedMsMin)
  const back = await open(database, { wanted: both })
  assert.equal(back.firstReady(['EdDSA', 'ES256']), 'EdDSA')
  assert.equal(back.firstReady(['ES256', 'EdDSA']), 'ES256')
})

testOnEngines(
  'an algorithm that no node wants retires, its tokens verify until they are dead, and then it is gone',
  async (t, engine) => {
    const clock = createChosenClock()
    const url = await engine.createStore(t)
    const [one, other] = [await openStore(t, url, clock.now), await openStore(t, url, clock.now)]
    await insertHead(one)
    const leaving = await open(one, { wanted: both })
    const staying = await open(other, { wanted: new Set(['EdDSA']) })
    const kids = kidsOf(staying)
    assert.equal(kids.length, 4)
    const es256 = await keyIn(leaving, 'active').catch(() => undefined)
    assert.equal(es256, undefined, 'two algorithms have an active key')
    const tickFor = async (ms: number, ...nodes: readonly Keyring[]): Promise<object[]> => {
      const retired: object[] = []
      for (let passedMs = 0; passedMs < ms; passedMs += minuteMs) {
        clock.advanceMs(minuteMs)
        for (const node of nodes) {
          const outcome = await node.tick()
          assert.ok(outcome.kind === 'kept')
          retired.push(...(outcome.retired ?? []))
        }
      }
      return retired
    }
    // One node still has the old file: its algorithm is wanted.
    assert.deepEqual(await tickFor(2 * lineUnwantedMsMax, leaving, staying), [])
    assert.deepEqual(kidsOf(staying), kids)

    const token = await leaving.sign(claims, 'ES256')
    const line = { purpose: 'access-token', algorithm: 'ES256' }
    assert.deepEqual(await tickFor(lineUnwantedMsMax + 10 * minuteMs, staying), [line])
    const { header } = decodeToken(token)
    const retiring = await keyIn(staying, 'retiring')
    assert.equal(retiring.kid, header['kid'])
    assert.ok(kidsOf(staying).includes(retiring.kid), 'the last tokens still verify')
    assert.ok((await kidsOfHead(one)).includes(retiring.kid))
    await tickFor(accessTokenSecondsMax * 1000 + 2 * minuteMs, staying)
    assert.equal(kidsOf(staying).length, 2)
    assert.deepEqual([...(await kidsOfHead(one))].toSorted(), [...kidsOf(staying)].toSorted())

    // Whoever comes back with it gets new keys, and waits for them once more.
    const again = await open(one, { wanted: both })
    assert.equal(kidsOf(again).length, 4)
    assert.equal(again.firstReady(['ES256', 'EdDSA']), 'EdDSA')
  },
)

function encryptNothing(): never {
  return assert.fail('nothing is encrypted')
}

async function algorithmAt(identity: RunningIdentity, request: object = {}): Promise<unknown> {
  const { identifier, password } = alice
  const answer = await identity.login({ identifier, password, ...request })
  assert.equal(answer.status, 200, answer.body)
  return decodeToken(answer.members()['access_token']).header['alg']
}

test('an audience changes its algorithm in the file, and a token for two has one that both accept', async () => {
  const first = await startRunningIdentity()
  first.clock.advanceMs(publishedMsMin)
  const { orders, reviews, payments } = ordersAndReviews.audiences
  const audiences = {
    orders: { ...orders, algorithm: ['EdDSA', 'RS256'] },
    reviews,
    payments,
  }
  const identity = await first.restart(undefined, { file: { audiences } })
  try {
    assert.equal(await algorithmAt(identity, { audience: 'orders' }), 'RS256')
    identity.clock.advanceMs(publishedMsMin)
    await identity.query('SELECT 1')
    await untilTrue(async () => (await algorithmAt(identity, { audience: 'orders' })) === 'EdDSA')
    assert.equal(await algorithmAt(identity), 'RS256')
    assert.doesNotMatch(identity.logged(), /before every verifier knows it/)
    const hasty = await identity.restart(undefined, {
      file: { audiences: { orders: { ...orders, algorithm: 'PS256' } }, clients: {}, roles: {} },
    })
    assert.equal(await algorithmAt(hasty, { audience: 'orders' }), 'PS256')
    assert.match(hasty.logged(), /before every verifier knows it/)
    await hasty.close()
  } finally {
    await identity.close()
  }
})

async function untilTrue(isTrue: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) {
    if (await isTrue()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail('it did not come true')
}
