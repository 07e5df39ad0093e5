import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { VerifierOptions } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { ProofJudgeOptions } from '@portcullis/verify/dpop'
import { createProofJudge } from '@portcullis/verify/dpop'
import { authenticate } from '@portcullis/verify/fetch'
import type { ProofKey, TestIssuer } from '@portcullis/verify/testing'
import { createProofKey, createTestIssuer } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'

const url = 'https://orders.example/orders/7'

interface Service {
  readonly issuer: TestIssuer
  readonly key: ProofKey
  /** A token that is bound to the key. */
  readonly token: string
  readonly send: (authorization: string, proofs?: readonly string[]) => Promise<Response>
  readonly prove: (nonce?: string) => string
}

async function start(
  t: TestContext,
  options: ProofJudgeOptions | undefined = {},
  more: Partial<VerifierOptions> = {},
): Promise<Service> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    dpop: createProofJudge(options),
    ...more,
  })
  t.after(verifier.close)
  await verifier.ready()
  const key = createProofKey()
  const token = issuer.mint({ cnf: { jkt: key.thumbprint } })
  const handle = authenticate(verifier)((_request, auth) => Response.json(auth))
  return {
    issuer,
    key,
    token,
    send: (authorization, proofs = []) => {
      const fields = proofs.map((proof): [string, string] => ['dpop', proof])
      const headers: [string, string][] = [['authorization', authorization], ...fields]
      return handle(new Request(`${url}?page=2`, { headers }))
    },
    prove: (nonce) => {
      const request = { method: 'GET', url, accessToken: token }
      return key.prove(nonce === undefined ? request : { ...request, nonce })
    },
  }
}

async function refusal(response: Response): Promise<readonly [number, string, string]> {
  const { code } = (await response.json()) as { readonly code: string }
  return [response.status, code, response.headers.get('www-authenticate') ?? '']
}

test('a bound token counts with a proof of its key, each time with another one', async (t) => {
  const { send, token, prove, key } = await start(t)
  for (let times = 0; times < 3; times += 1) {
    const response = await send(`DPoP ${token}`, [prove()])
    const { claims } = (await response.json()) as { readonly claims: { readonly cnf: unknown } }
    assert.equal(response.status, 200)
    assert.deepEqual(claims.cnf, { jkt: key.thumbprint })
  }
})

test('a token that was let in before is let in no more without a proof, or with a used one', async (t) => {
  const { send, token, prove } = await start(t)
  const proof = prove()
  assert.equal((await send(`DPoP ${token}`, [proof])).status, 200)
  const [status, code, challenge] = await refusal(await send(`DPoP ${token}`, [proof]))
  assert.deepEqual([status, code], [401, 'invalid-dpop-proof'])
  assert.match(challenge, /^DPoP realm="orders", error="invalid_dpop_proof", .*algs="RS256 /)
  assert.deepEqual((await refusal(await send(`DPoP ${token}`))).slice(0, 2), [
    401,
    'invalid-dpop-proof',
  ])
  const plain = await refusal(await send(`Bearer ${token}`))
  assert.deepEqual(plain.slice(0, 2), [401, 'invalid-token'])
  const two = await refusal(await send(`DPoP ${token}`, [prove(), prove()]))
  assert.deepEqual(two.slice(0, 2), [401, 'invalid-dpop-proof'])
})

test('a token that is bound to nothing counts as a bearer token only', async (t) => {
  const { issuer, key, send } = await start(t)
  const accessToken = issuer.mint()
  assert.equal((await send(`Bearer ${accessToken}`)).status, 200)
  const proof = key.prove({ method: 'GET', url, accessToken })
  const [status, code] = await refusal(await send(`DPoP ${accessToken}`, [proof]))
  assert.deepEqual([status, code], [401, 'invalid-token'])
})

test('a confirmation that is not understood confirms nothing, with or without a proof', async (t) => {
  const { issuer, key, send } = await start(t)
  for (const cnf of [{}, { jkt: 5 }, { 'x5t#S256': 'x' }, { jkt: key.thumbprint, other: 1 }]) {
    const accessToken = issuer.mint({ cnf })
    const proof = key.prove({ method: 'GET', url, accessToken })
    for (const [authorization, proofs] of [
      [`DPoP ${accessToken}`, [proof]],
      [`Bearer ${accessToken}`, []],
    ] as const) {
      assert.equal((await send(authorization, proofs)).status, 401, JSON.stringify(cnf))
    }
  }
})

test('the proof of another key says that the token is not for it', async (t) => {
  const { send, token } = await start(t)
  const thief = createProofKey()
  const proof = thief.prove({ method: 'GET', url, accessToken: token })
  const [status, code, challenge] = await refusal(await send(`DPoP ${token}`, [proof]))
  assert.deepEqual([status, code], [401, 'invalid-token'])
  assert.match(challenge, /^DPoP .*error="invalid_token"/)
})

test('whoever shows a token under DPoP is told what is wrong with it under DPoP', async (t) => {
  const { issuer, key, send } = await start(t)
  const now = issuer.now() / 1000
  const cnf = { jkt: key.thumbprint }
  const unbound = issuer.mint()
  for (const accessToken of [
    issuer.mint({ cnf, iat: now - 120, exp: now - 60 }),
    issuer.mint({ cnf, aud: 'reviews' }),
    unbound,
    'no-token-at-all',
  ]) {
    const proof = key.prove({ method: 'GET', url, accessToken })
    const [status, , challenge] = await refusal(await send(`DPoP ${accessToken}`, [proof]))
    assert.equal(status, 401)
    assert.match(challenge, /^DPoP realm="orders", error="invalid_token", .*, algs="RS256 /)
  }
  const [, , asBearer] = await refusal(await send('Bearer no-token-at-all'))
  assert.match(asBearer, /^Bearer realm="orders", error="invalid_token", [^,]*$/)
})

test('a bound token that is shown as a bearer token is told of DPoP', async (t) => {
  const { send, token } = await start(t)
  const [status, , challenge] = await refusal(await send(`Bearer ${token}`))
  assert.equal(status, 401)
  assert.match(challenge, /^DPoP realm="orders", error="invalid_token", .*, algs="RS256 /)
})

test('a DPoP header that is not one space and one token is a 400, told under DPoP', async (t) => {
  const { send, token, prove } = await start(t)
  for (const value of [
    `DPoP  ${token}`,
    `DPoP ${token} x`,
    `dpop ${token},`,
    'DPoP',
    'DPoP ',
    'DPoP =',
  ]) {
    const [status, code, challenge] = await refusal(await send(value, [prove()]))
    assert.deepEqual([status, code], [400, 'invalid-request'], value.slice(0, 6))
    assert.match(challenge, /^DPoP realm="orders", error="invalid_request", /)
    assert.ok(!/Bearer|\?/.test(challenge))
  }
  const [, code] = await refusal(await send(`Basic YTpi, DPoP ${token}`, [prove()]))
  assert.equal(code, 'invalid-request')
})

test('the next nonce goes along, even with an answer whose fields cannot change', async (t) => {
  const clock = createClock()
  const issuer = await createTestIssuer({ algorithm: 'ES256', now: clock.now, feed: false })
  t.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    dpop: createProofJudge({ nonce: 'required', now: clock.now }),
    now: clock.now,
  })
  const key = createProofKey({ now: clock.now })
  const token = issuer.mint({ cnf: { jkt: key.thumbprint } })
  const handle = authenticate(verifier)(() => Response.redirect('https://orders.example/'))
  const send = (nonce: string): Promise<Response> => {
    const dpop = key.prove({ method: 'GET', url, accessToken: token, nonce })
    return handle(new Request(url, { headers: { authorization: `DPoP ${token}`, dpop } }))
  }
  const nonce = (await send('none yet')).headers.get('dpop-nonce') ?? ''
  assert.equal((await send(nonce)).headers.get('dpop-nonce'), null)
  clock.advanceSeconds(60)
  const answer = await send(nonce)
  assert.deepEqual(
    [answer.status, answer.headers.get('location')],
    [302, 'https://orders.example/'],
  )
  const next = answer.headers.get('dpop-nonce') ?? ''
  assert.match(next, /^[\w-]{43}$/)
  assert.equal((await send(next)).headers.get('dpop-nonce'), null)
})

test('a nonce of the service is asked for, told, and then taken', async (t) => {
  const { send, token, prove } = await start(t, { nonce: 'required' })
  const first = await send(`DPoP ${token}`, [prove()])
  const nonce = first.headers.get('dpop-nonce')
  assert.ok(nonce !== null)
  const [status, code, challenge] = await refusal(first)
  assert.deepEqual([status, code], [401, 'use-dpop-nonce'])
  assert.match(challenge, /error="use_dpop_nonce"/)
  assert.equal((await send(`DPoP ${token}`, [prove(nonce)])).status, 200)
})

test('whoever brings no token is told both ways', async (t) => {
  const { send } = await start(t)
  const [status, code, challenge] = await refusal(await send('Basic YTpi'))
  assert.deepEqual([status, code], [401, 'missing-token'])
  assert.match(challenge, /^Bearer realm="orders", DPoP realm="orders", algs="RS256 /)
})

function failing(): never {
  throw new Error('the store is down')
}

test('a store of proofs that fails lets nothing in and blames no token', async (t) => {
  const { send, token, prove } = await start(t, { replays: { use: failing } })
  const response = await send(`DPoP ${token}`, [prove()])
  assert.deepEqual(await refusal(response), [503, 'proofs-unavailable', ''])
  assert.ok(Number(response.headers.get('retry-after')) > 0)
})

test('without the option a bound token is refused, and the scheme is another one', async (t) => {
  const { issuer, key, token, prove } = await start(t)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  t.after(verifier.close)
  assert.deepEqual(verifier.dpopAlgorithms, [])
  const handle = authenticate(verifier)(() => new Response('let in'))
  const headers = { authorization: `DPoP ${token}`, dpop: prove() }
  const response = await handle(new Request(url, { headers }))
  assert.deepEqual(await refusal(response), [401, 'missing-token', 'Bearer realm="orders"'])
  const request = { method: 'GET', url, proofs: [prove()] }
  for (const accessToken of [token, issuer.mint({ cnf: { jkt: key.thumbprint } })]) {
    await assert.rejects(verifier.verify(accessToken), { reason: 'bound-to-a-key' })
    await assert.rejects(verifier.verify(accessToken, request), { reason: 'bound-to-a-key' })
  }
})

test('of several issuers each has its own say about proofs', async (t) => {
  const { issuer, token, prove } = await start(t)
  const plain = await createTestIssuer({ algorithm: 'ES256' })
  t.after(plain.close)
  const settings = { audience: 'orders', revocation: 'untilExpiry' } as const
  const both = createVerifier([
    { issuer: plain.issuer, ...settings },
    { issuer: issuer.issuer, ...settings, dpop: createProofJudge({ algorithms: ['ES256'] }) },
  ])
  assert.deepEqual(both.dpopAlgorithms, ['ES256'])
  const handle = authenticate(both)(() => new Response('let in'))
  const headers = { authorization: `DPoP ${token}`, dpop: prove() }
  assert.equal((await handle(new Request(url, { headers }))).status, 200)
})

test('with an origin no proof for another host counts, whatever Host says', async (t) => {
  const { send, token, prove, key } = await start(t, { origin: 'https://orders.example' })
  assert.equal((await send(`DPoP ${token}`, [prove()])).status, 200)
  const other = await start(t, { origin: ['https://shop.example'] })
  const proof = other.key.prove({ method: 'GET', url, accessToken: other.token })
  assert.equal((await other.send(`DPoP ${other.token}`, [proof])).status, 401)
  assert.notEqual(key.thumbprint, other.key.thumbprint)
  for (const origin of ['https://orders.example/path', 'https://*.example', 5]) {
    const options = { origin } as unknown as ProofJudgeOptions
    assert.throws(() => createProofJudge(options), { message: /option "origin"/ })
  }
})

test('a bound token that is revoked is refused whatever proves it', async (t) => {
  const { issuer, key, send } = await start(t, {}, { revocation: { maxStalenessSeconds: 3 } })
  const jti = 'the-one'
  const accessToken = issuer.mint({ jti, cnf: { jkt: key.thumbprint } })
  const prove = (): string => key.prove({ method: 'GET', url, accessToken })
  assert.equal((await send(`DPoP ${accessToken}`, [prove()])).status, 200)
  issuer.revoke({ jti })
  let status = 200
  for (let tries = 0; status === 200 && tries < 500; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    status = (await send(`DPoP ${accessToken}`, [prove()])).status
  }
  assert.equal(status, 401)
})
