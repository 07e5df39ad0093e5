import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sendRaw } from './http-client.ts'
import type { Answer } from './http-client.ts'
import type { ProofRecipe } from './key-holder.ts'
import { countUsedProofs, createKeyHolder } from './key-holder.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import { decodeToken } from './decoded-token.ts'

/*
 * The corpus V68 of attacks at the issuer: each wrong proof at `/login` and at `/token`, beside its positive twin.
 */

const identity = await startRunningIdentity({ file: { loginProtection: { freeTries: 100 } } })
after(identity.close)
const holder = createKeyHolder(identity)
const { key, prove } = holder

type Door = 'POST /login' | 'POST /token'
const doors: readonly Door[] = ['POST /login', 'POST /token']

function knock(door: Door, proof: string): Promise<Answer> {
  if (door === 'POST /login') return holder.login({}, proof)
  const { clientId, clientSecret } = machine
  return identity.token(
    { grant_type: 'client_credentials', audience: 'orders' },
    { ...basic(clientId, clientSecret), dpop: proof },
  )
}

// RFC 9449 section 4.3, at the issuer.

/** What was answered, in the words of either kind of endpoint. */
function wordsOf(door: Door, answer: Answer): readonly unknown[] {
  const { code, detail, error, error_description: description } = answer.members()
  return door === 'POST /login'
    ? [answer.status, code, detail]
    : [answer.status, error, description]
}

function refusalAt(door: Door, why: string): readonly unknown[] {
  return door === 'POST /login'
    ? [401, 'invalid-dpop-proof', why]
    : [400, 'invalid_dpop_proof', why]
}

const said = {
  malformed: 'the proof is not a compact JWS with one JSON object in header and payload',
  algorithm: 'the algorithm of the proof is not allowed',
  type: 'the typ of the proof is not dpop+jwt',
  key: 'the jwk of the proof is not a public key for its algorithm',
  signature: 'the signature of the proof is wrong',
  claims: 'a claim of the proof is missing or has a wrong form',
  method: 'the proof is for another method',
  url: 'the proof is for another URL',
  old: 'the proof is too old',
  early: 'the proof is from the future',
}

/** Numbers that JavaScript would write in another way. */
function withIat(text: string): ProofRecipe {
  return { payload: { remove: ['iat'], text: `{<members>,"iat":${text}}` } }
}

const wrong: readonly {
  readonly name: string
  readonly recipe: ProofRecipe
  readonly why: string
  /** What is almost the same, and good. */
  readonly good?: ProofRecipe
}[] = [
  {
    name: 'alg none without a signature',
    recipe: { header: { set: { alg: 'none' } }, signature: 'empty' },
    why: said.malformed,
  },
  {
    name: 'alg none',
    recipe: { header: { set: { alg: 'none' } } },
    why: said.algorithm,
  },
  {
    name: 'HS256 with the public key as secret',
    recipe: { header: { set: { alg: 'HS256' } }, signature: 'hmac-jwk' },
    why: said.algorithm,
  },
  {
    name: 'the private key in its header',
    recipe: { header: { set: { jwk: key.privateJwk } } },
    why: said.key,
    good: { header: { set: { jwk: { ...key.jwk, use: 'sig', alg: 'ES256' } } } },
  },
  {
    name: 'a symmetric key in its header',
    recipe: { header: { set: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } } },
    why: said.key,
  },
  { name: 'no key', recipe: { header: { remove: ['jwk'] } }, why: said.key },
  { name: 'typ JWT', recipe: { header: { set: { typ: 'JWT' } } }, why: said.type },
  {
    name: 'the typ of an access token',
    recipe: { header: { set: { typ: 'at+jwt' } } },
    why: said.type,
    good: { header: { set: { typ: 'application/dpop+jwt' } } },
  },
  { name: 'a signature by a stranger', recipe: { signature: 'stranger' }, why: said.signature },
  { name: 'one bit flipped', recipe: { signature: 'flipped-bit' }, why: said.signature },
  { name: 'no jti', recipe: { payload: { remove: ['jti'] } }, why: said.claims },
  {
    name: 'a jti of 257 characters',
    recipe: { payload: { set: { jti: '<repeat:j:257>' } } },
    why: said.claims,
  },
  { name: 'htm GET', recipe: { payload: { set: { htm: 'GET' } } }, why: said.method },
  { name: 'htm in another case', recipe: { payload: { set: { htm: 'post' } } }, why: said.method },
  { name: 'no htu', recipe: { payload: { remove: ['htu'] } }, why: said.claims },
  {
    name: 'an iat 61 s ago',
    recipe: { payload: { set: { iat: { fromNow: -61 } } } },
    why: said.old,
    good: { payload: { set: { iat: { fromNow: -59 } } } },
  },
  {
    name: 'an iat 7 s ahead',
    recipe: { payload: { set: { iat: { fromNow: 7 } } } },
    why: said.early,
    good: { payload: { set: { iat: { fromNow: 5 } } } },
  },
  { name: 'the least iat of 64 bits', recipe: withIat('-9223372036854775808'), why: said.claims },
  { name: 'the greatest iat of 64 bits', recipe: withIat('9223372036854775807'), why: said.claims },
  { name: 'an endless iat', recipe: withIat('1e400'), why: said.malformed },
  { name: 'an iat of -1', recipe: { payload: { set: { iat: -1 } } }, why: said.old },
  {
    name: 'nonsense for a token',
    recipe: { token: 'nonsense' },
    why: said.malformed,
  },
  { name: 'nothing at all', recipe: { token: '' }, why: said.malformed },
  {
    name: 'another proof behind a comma',
    recipe: { token: '<header>.<payload>.<signature>, <header>.<payload>.<signature>' },
    why: said.malformed,
  },
  {
    name: 'ten thousand characters for a jti',
    recipe: { payload: { set: { jti: '<repeat:j:9000>' } } },
    why: said.malformed,
  },
]

assert.ok(wrong.length >= 25)
for (const { name, recipe, why, good } of wrong) {
  test(`a proof with ${name} gets no token, and its twin does`, async () => {
    const used = await countUsedProofs(identity)
    for (const door of doors) {
      const refused = await knock(door, prove(door, { recipe }))
      const [status, code, words] = refusalAt(door, why)
      const answered = wordsOf(door, refused)
      assert.deepEqual(answered.slice(0, 2), [status, code], refused.body)
      // What is too long to be read may be refused for that, or for what it says.
      const either = name.startsWith('ten thousand') ? [said.malformed, said.claims] : [words]
      assert.ok(either.includes(answered[2]), refused.body)
    }
    assert.equal(await countUsedProofs(identity), used)
    for (const door of doors) {
      const granted = await knock(door, prove(door, { recipe: good }))
      assert.equal(granted.status, 200, granted.body)
      const { claims } = decodeToken(granted.members()['access_token'])
      assert.deepEqual(claims['cnf'], { jkt: key.thumbprint })
    }
  })
}

const targets: readonly (readonly [name: string, htu: string, isGood: boolean])[] = [
  ['the URL of the endpoint', 'https://id.example/token', true],
  ['scheme and host in upper case', 'HTTPS://ID.Example/token', true],
  ['the default port', 'https://id.example:443/token', true],
  ['an encoded letter', 'https://id.example/%74oken', true],
  ['another endpoint', 'https://id.example/login', false],
  ['the path in another case', 'https://id.example/Token', false],
  ['plain http', 'http://id.example/token', false],
  ['another port', 'https://id.example:8443/token', false],
  ['another host', 'https://id.example.evil/token', false],
  ['the address that the request went to', `http://127.0.0.1:${identity.port}/token`, false],
  ['a slash at the end', 'https://id.example/token/', false],
  ['an encoded slash', 'https://id.example%2Ftoken', false],
  ['twice encoded', 'https://id.example/%2574oken', false],
  ['a query', 'https://id.example/token?x=1', false],
  ['a fragment', 'https://id.example/token#x', false],
  ['user info', 'https://id.example@id.example/token', false],
  ['dot segments', 'https://id.example/x/../token', false],
  ['the path alone', '/token', false],
]

test('a proof is for the URL of the endpoint as the issuer names it, whatever Host says', async () => {
  const { clientId, clientSecret } = machine
  for (const [name, htu, isGood] of targets) {
    const proof = prove('POST /token', { recipe: { payload: { set: { htu } } } })
    const answer = await knock('POST /token', proof)
    assert.equal(answer.status, isGood ? 200 : 400, `${name}: ${answer.body}`)
    if (!isGood)
      assert.deepEqual(wordsOf('POST /token', answer), refusalAt('POST /token', said.url))
  }
  const ask = (host: string, htu: string): Promise<Answer> =>
    identity.token(
      { grant_type: 'client_credentials' },
      {
        ...basic(clientId, clientSecret),
        host,
        dpop: prove('POST /token', { recipe: { payload: { set: { htu } } } }),
      },
    )
  assert.equal((await ask('evil.example', 'https://evil.example/token')).status, 400)
  assert.equal((await ask('evil.example', 'https://id.example/token')).status, 200)
})

test('the query of a request is no part of what is proved', async () => {
  const answer = await identity.ask({
    method: 'POST',
    path: '/login?x=1',
    headers: { 'content-type': 'application/json', dpop: prove('POST /login') },
    body: JSON.stringify({ identifier: alice.identifier, password: alice.password }),
  })
  assert.equal(answer.status, 200, answer.body)
})

function twice(...fields: readonly string[]): Promise<string> {
  const body = JSON.stringify({ identifier: alice.identifier, password: alice.password })
  const head = ['POST /login HTTP/1.1', 'host: id.example', 'connection: close']
  const content = ['content-type: application/json', `content-length: ${body.length}`]
  return sendRaw(identity.port, `${[...head, ...content, ...fields].join('\r\n')}\r\n\r\n${body}`)
}

test('two DPoP headers are refused, the same twice and an empty one among them', async () => {
  const proof = prove('POST /login')
  const pairs = [
    [`dpop: ${proof}`, `dpop: ${proof}`],
    [`DPoP: ${proof}`, `dpop: ${prove('POST /login')}`],
    [`dpop: ${proof}`, 'dpop:'],
  ]
  for (const fields of pairs) {
    const answer = await twice(...fields)
    assert.match(answer, /^HTTP\/1\.1 401 /)
    assert.match(answer, /"detail":"more than one DPoP header"/)
  }
  assert.match(await twice(`dpop: ${proof}`), /^HTTP\/1\.1 200 /)
})

test('a header that is too large for a request is refused as that', async () => {
  const answer = await twice(`dpop: ${'a'.repeat(20_000)}`)
  assert.match(answer, /^HTTP\/1\.1 431 /)
})

test('a proof that was used is refused at every endpoint of its URL, and another of the key is not', async () => {
  for (const door of doors) {
    const proof = prove(door)
    assert.equal((await knock(door, proof)).status, 200)
    const words = refusalAt(door, 'the proof was used before')
    assert.deepEqual(wordsOf(door, await knock(door, proof)), words)
    assert.equal((await knock(door, prove(door))).status, 200)
  }
})

test('a client with a wrong secret uses no proof up', async () => {
  const used = await countUsedProofs(identity)
  const proof = prove('POST /token')
  const form = { grant_type: 'client_credentials' }
  const refused = await identity.token(form, { ...basic(machine.clientId, 'wrong'), dpop: proof })
  assert.deepEqual([refused.status, refused.members()['error']], [401, 'invalid_client'])
  assert.equal(await countUsedProofs(identity), used)
  assert.equal((await knock('POST /token', proof)).status, 200)
})

test('a refusal outside the token endpoint challenges, as a service does (RFC 9449 section 7.1)', async () => {
  const refused = await knock('POST /login', 'nonsense')
  const challenge = String(refused.headers['www-authenticate'])
  assert.match(challenge, /^DPoP realm="https:\/\/id\.example", error="invalid_dpop_proof", /)
  assert.match(challenge, / algs="RS256 .*ES256 .*EdDSA.*"$/)
})

test('no proof and no key is in the log', () => {
  assert.ok(identity.logged().includes('"outcome":"bad-proof"'))
  assert.ok(!identity.logged().includes('eyJ'))
})
