import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createOwnProofJudge } from '../src/own-proof-judge.ts'
import { startMs } from './chosen-clock.ts'
import type { Answer } from './http-client.ts'
import { assertOAuthError, countUsedProofs, createKeyHolder } from './key-holder.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import { assertProblem, refreshWith, signIn, tokensOf } from './signed-in.ts'

const shop = 'https://shop.example'
const identity = await startRunningIdentity({
  file: { dpopNonce: 'required', allowedOrigins: [shop] },
})
after(identity.close)
const owner = createKeyHolder(identity)

function nonceOf({ headers }: Answer): string {
  const nonce = headers['dpop-nonce']
  assert.ok(typeof nonce === 'string' && /^[A-Za-z0-9_-]{43}$/.test(nonce))
  assert.equal(headers['cache-control'], 'no-store')
  return nonce
}

test('where nonces are required, a proof without one is sent for it, and used up by its second way only', async () => {
  const login = await owner.login()
  assertProblem(login, 401, 'use-dpop-nonce')
  assert.match(String(login.headers['www-authenticate']), /^DPoP .*error="use_dpop_nonce"/)
  const signedIn = await owner.login({}, owner.prove('POST /login', { nonce: nonceOf(login) }))
  const { refresh } = tokensOf(signedIn)

  const refused = await owner.refresh(refresh)
  assertOAuthError(refused, 'use_dpop_nonce')
  const { clientId, clientSecret } = machine
  const machineAsks = (nonce?: string): Promise<Answer> =>
    identity.token(
      { grant_type: 'client_credentials' },
      {
        ...basic(clientId, clientSecret),
        dpop: owner.prove('POST /token', nonce === undefined ? {} : { nonce }),
      },
    )
  assertOAuthError(await machineAsks(), 'use_dpop_nonce')
  assert.equal(await countUsedProofs(identity), 1)
  const nonce = nonceOf(refused)
  assert.equal((await machineAsks(nonce)).status, 200)
  tokensOf(await owner.refresh(refresh, {}, owner.prove('POST /token', { nonce })))
})

test('a nonce that is made up is as good as none', async () => {
  const proof = owner.prove('POST /login', { nonce: 'A'.repeat(43) })
  assertProblem(await owner.login({}, proof), 401, 'use-dpop-nonce')
})

test('every answer to a proof brings the nonce of now, and one of three minutes ago is too old', async () => {
  const first = nonceOf(await owner.login())
  const answer = await owner.login(
    { audience: identity.issuer },
    owner.prove('POST /login', { nonce: first }),
  )
  assert.equal(nonceOf(answer), first)
  const { access } = tokensOf(answer)
  identity.clock.advanceMs(180_000)
  const call = (nonce: string): Promise<Answer> => {
    const proof = owner.prove('GET /account', { accessToken: access, nonce })
    return owner.call('GET /account', access, undefined, proof)
  }
  const old = await call(first)
  assertProblem(old, 401, 'use-dpop-nonce')
  const second = nonceOf(old)
  assert.notEqual(second, first)
  const read = await call(second)
  assert.equal(read.status, 200)
  assert.equal(nonceOf(read), second)
})

test('whoever proves nothing needs no nonce and hears of none', async () => {
  const { refresh } = await signIn(identity)
  const answer = await refreshWith(identity, refresh)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['dpop-nonce'], undefined)
})

test('no nonce is on what caches keep', async () => {
  const path = '/.well-known/jwks.json'
  const answer = await identity.ask({ path, headers: { dpop: owner.prove(`GET ${path}`) } })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['dpop-nonce'], undefined)
})

test('the pages of an allowed origin may send a proof and read the nonce', async () => {
  const { identifier, password } = alice
  const answer = await identity.ask({
    method: 'POST',
    path: '/login',
    headers: { 'content-type': 'application/json', origin: shop, dpop: owner.prove('POST /login') },
    body: JSON.stringify({ identifier, password }),
  })
  nonceOf(answer)
  assert.match(String(answer.headers['access-control-expose-headers']), /(^|, )dpop-nonce(,|$)/)
  const preflight = await identity.ask({
    method: 'OPTIONS',
    path: '/token',
    headers: { origin: shop, 'access-control-request-method': 'POST' },
  })
  assert.match(String(preflight.headers['access-control-allow-headers']), /(^|, )dpop(,|$)/)
})

const atStart = (): number => startMs

test('nodes with the same sealing key agree on nonces, also while that is changed', () => {
  const usedProofs = { use: async () => true, forget: async () => 0 }
  const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const judgeOf = (
    sealingKey: Buffer,
    previousSealingKey?: Buffer,
  ): ReturnType<typeof createOwnProofJudge> =>
    createOwnProofJudge({
      usedProofs,
      dpopNonce: 'required',
      sealingKey,
      previousSealingKey,
      now: atStart,
    })
  const nonce = judgeOf(one).nonce()
  assert.equal(judgeOf(one, two).nonce(), nonce)
  assert.notEqual(judgeOf(two).nonce(), nonce)
  const proof = owner.key.prove(
    {
      method: 'POST',
      url: 'https://id.example/token',
      ...(nonce === undefined ? {} : { nonce }),
    },
    { payload: { set: { iat: Math.floor(startMs / 1000) } } },
  )
  const presented = { proofs: [proof], method: 'POST', url: 'https://id.example/token' }
  const fates = [judgeOf(one), judgeOf(two, one), judgeOf(two)].map(
    (judge) => judge.examine(presented).kind,
  )
  assert.deepEqual(fates, ['good', 'good', 'use-nonce'])
})
