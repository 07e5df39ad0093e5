import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JudgedProof, ProofJudge } from '../src/dpop/proof-judge.ts'
import { createProofJudge } from '../src/dpop/proof-judge.ts'
import type { ProofJudgeOptions } from '../src/dpop/proof-options.ts'
import { createProofKey } from '../src/testing/proof-key.ts'
import type { TokenRecipe } from '../src/testing/recipe.ts'
import type { Clock } from './clock.ts'
import { refusal } from './proof-service.ts'
import { createClock } from './clock.ts'

const request = { method: 'GET', url: 'https://orders.example/', accessToken: 'a.b.c' } as const
const sharedKey = new Uint8Array(32).fill(7)

interface Service {
  readonly clock: Clock
  readonly another: (options?: ProofJudgeOptions) => ProofJudge
  readonly present: (
    nonce: string | undefined,
    recipe?: TokenRecipe,
    judge?: ProofJudge,
  ) => Promise<JudgedProof>
}

function start(): Service {
  const clock = createClock()
  const key = createProofKey({ now: clock.now })
  const another: Service['another'] = (options = {}) =>
    createProofJudge({ now: clock.now, nonce: 'required', ...options })
  const own = another()
  return {
    clock,
    another,
    present: (nonce, recipe = {}, { judge } = own) => {
      const proof = key.prove(nonce === undefined ? request : { ...request, nonce }, recipe)
      return judge({ ...request, proofs: [proof], thumbprint: key.thumbprint })
    },
  }
}

function nonceOf(judged: JudgedProof): string {
  assert.ok(judged.kind === 'use-nonce')
  return judged.nonce
}

test('a proof without a nonce is answered one, and is good with it', async () => {
  const { present } = start()
  const nonce = nonceOf(await present(undefined))
  assert.match(nonce, /^[A-Za-z0-9_-]{43}$/)
  assert.deepEqual(await present(nonce), { kind: 'proven', nextNonce: undefined })
})

test('the same proof is good once the nonce was learned: being sent for one uses nothing up', async () => {
  const { present } = start()
  const recipe = { payload: { set: { jti: 'one' } } }
  const nonce = nonceOf(await present(undefined, recipe))
  assert.equal((await present(nonce, recipe)).kind, 'proven')
  assert.deepEqual(await present(nonce, recipe), refusal('replayed'))
})

test('a nonce that the service has not given is as good as none', async () => {
  const { present } = start()
  for (const nonce of ['', 'x', 5, null, ['x'], {}]) {
    const judged = await present(undefined, { payload: { set: { nonce } } })
    assert.equal(judged.kind, 'use-nonce')
  }
})

test('a nonce lives through the minute after its own, and the next comes with the answer', async () => {
  const { clock, present } = start()
  const nonce = nonceOf(await present(undefined))
  clock.advanceSeconds(119.999)
  const judged = await present(nonce)
  assert.ok(judged.kind === 'proven')
  assert.ok(judged.nextNonce !== undefined && judged.nextNonce !== nonce)
  assert.deepEqual(await present(judged.nextNonce), { kind: 'proven', nextNonce: undefined })
  clock.advanceSeconds(0.001)
  assert.equal((await present(nonce)).kind, 'use-nonce')
  assert.equal((await present(judged.nextNonce)).kind, 'proven')
})

test('a wrong proof is refused for what is wrong and is given no nonce', async () => {
  const { present } = start()
  const forged = await present(undefined, { signature: 'stranger' })
  assert.deepEqual(forged, refusal('bad-signature'))
  const old = await present(undefined, { payload: { set: { iat: 1 } } })
  assert.deepEqual(old, refusal('too-old'))
})

test('replicas with one key take the nonces of each other, and others do not', async () => {
  const { another, clock, present } = start()
  const [first, second] = [another({ nonceKey: sharedKey }), another({ nonceKey: sharedKey })]
  const nonce = nonceOf(await present(undefined, {}, first))
  assert.equal((await present(nonce, {}, second)).kind, 'proven')
  assert.equal((await present(nonce, {}, another())).kind, 'use-nonce')
  const guessed = nonceOf(await present(undefined, {}, another({ nonceKey: new Uint8Array(32) })))
  assert.equal((await present(guessed, {}, another())).kind, 'use-nonce')
  const ahead = another({ nonceKey: sharedKey, now: () => clock.now() + 60_000 })
  const early = nonceOf(
    await present(undefined, { payload: { set: { iat: { fromNow: 30 } } } }, ahead),
  )
  assert.notEqual(early, nonce)
  assert.equal((await present(early, {}, second)).kind, 'proven')
})

test('the key of the nonces is copied', async () => {
  const { another, present } = start()
  const key = Uint8Array.from(sharedKey)
  const judge = another({ nonceKey: key })
  const nonce = nonceOf(await present(undefined, {}, judge))
  key.fill(0)
  assert.equal((await present(nonce, {}, judge)).kind, 'proven')
})

test('where none is wanted a nonce changes nothing', async () => {
  const { clock, present } = start()
  const judged = await present('anything', {}, createProofJudge({ now: clock.now }))
  assert.deepEqual(judged, { kind: 'proven', nextNonce: undefined })
})
