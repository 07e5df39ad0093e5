import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { TokenRecipe } from '../src/testing/recipe.ts'
import { createClock } from './clock.ts'
import type { ProofService } from './proof-service.ts'
import { request, startProofService } from './proof-service.ts'

/** RFC 9449 section 4.3. Each beside its positive twin: what is wrong, what is almost the same and good. */
const proofs: readonly {
  readonly name: string
  readonly wrong: (service: ProofService) => TokenRecipe
  readonly why: string
  readonly good?: (service: ProofService) => TokenRecipe
}[] = [
  {
    name: 'alg none',
    wrong: () => ({ header: { set: { alg: 'none' } }, signature: 'empty' }),
    why: 'malformed',
  },
  {
    name: 'alg none with a signature',
    wrong: () => ({ header: { set: { alg: 'none' } } }),
    why: 'algorithm-not-allowed',
  },
  {
    name: 'HMAC with the public key as secret',
    wrong: () => ({ header: { set: { alg: 'HS256' } }, signature: 'hmac-jwk' }),
    why: 'algorithm-not-allowed',
  },
  {
    name: 'HMAC under the name of the key’s own algorithm',
    wrong: () => ({ signature: 'hmac-jwk' }),
    why: 'bad-signature',
  },
  {
    name: 'an algorithm that is not the one of the key',
    wrong: () => ({ header: { set: { alg: 'RS256' } } }),
    why: 'unusable-key',
  },
  {
    name: 'the private key in the header',
    wrong: ({ key }) => ({ header: { set: { jwk: key.privateJwk } } }),
    why: 'unusable-key',
    good: ({ key }) => ({ header: { set: { jwk: { ...key.jwk, use: 'sig', alg: 'ES256' } } } }),
  },
  {
    name: 'a symmetric key in the header',
    wrong: () => ({ header: { set: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } } }),
    why: 'unusable-key',
  },
  {
    name: 'a key for encryption',
    wrong: ({ key }) => ({ header: { set: { jwk: { ...key.jwk, use: 'enc' } } } }),
    why: 'unusable-key',
  },
  { name: 'no key', wrong: () => ({ header: { remove: ['jwk'] } }), why: 'unusable-key' },
  {
    name: 'the key as a text',
    wrong: ({ key }) => ({ header: { set: { jwk: JSON.stringify(key.jwk) } } }),
    why: 'unusable-key',
  },
  {
    name: 'only the name of the key',
    wrong: ({ key }) => ({ header: { remove: ['jwk'], set: { kid: key.thumbprint } } }),
    why: 'unusable-key',
    good: ({ key }) => ({ header: { set: { kid: key.thumbprint } } }),
  },
  {
    name: 'a signature by another key',
    wrong: () => ({ signature: 'stranger' }),
    why: 'bad-signature',
  },
  {
    name: 'a signature with one bit flipped',
    wrong: () => ({ signature: 'flipped-bit' }),
    why: 'bad-signature',
  },
  { name: 'typ JWT', wrong: () => ({ header: { set: { typ: 'JWT' } } }), why: 'wrong-type' },
  {
    name: 'the typ of an access token',
    wrong: () => ({ header: { set: { typ: 'at+jwt' } } }),
    why: 'wrong-type',
    good: () => ({ header: { set: { typ: 'application/dpop+jwt' } } }),
  },
  { name: 'no typ', wrong: () => ({ header: { remove: ['typ'] } }), why: 'wrong-type' },
  {
    name: 'crit',
    wrong: () => ({ header: { set: { crit: ['exp'], exp: 1 } } }),
    why: 'unsupported-extension',
  },
  { name: 'b64', wrong: () => ({ header: { set: { b64: true } } }), why: 'unsupported-extension' },
  { name: 'zip', wrong: () => ({ header: { set: { zip: 'DEF' } } }), why: 'unsupported-extension' },
  {
    name: 'two members of one name',
    wrong: () => ({ payload: { text: '{<members>,"htm":"POST"}' } }),
    why: 'malformed',
  },
  {
    name: 'the method in another case',
    wrong: () => ({ payload: { set: { htm: 'post' } } }),
    why: 'wrong-method',
  },
  {
    name: 'another method',
    wrong: () => ({ payload: { set: { htm: 'GET' } } }),
    why: 'wrong-method',
    good: () => ({ payload: { set: { htm: 'POST' } } }),
  },
  {
    name: 'no method',
    wrong: () => ({ payload: { remove: ['htm'] } }),
    why: 'malformed-claims',
  },
  { name: 'no URL', wrong: () => ({ payload: { remove: ['htu'] } }), why: 'malformed-claims' },
  {
    name: 'a list of URLs',
    wrong: () => ({ payload: { set: { htu: ['https://orders.example/orders/7'] } } }),
    why: 'malformed-claims',
  },
  {
    name: 'no ath',
    wrong: () => ({ payload: { remove: ['ath'] } }),
    why: 'malformed-claims',
  },
  {
    name: 'an ath in hexadecimal',
    wrong: () => ({ payload: { set: { ath: digest('hex') } } }),
    why: 'wrong-token',
    good: () => ({ payload: { set: { ath: digest('base64url') } } }),
  },
  {
    name: 'the ath of another token',
    wrong: () => ({ payload: { set: { ath: digest('base64url').replace(/^./, '-') } } }),
    why: 'wrong-token',
  },
  {
    name: 'an iat 61 s ago',
    wrong: () => ({ payload: { set: { iat: { fromNow: -61 } } } }),
    why: 'too-old',
    good: () => ({ payload: { set: { iat: { fromNow: -60 } } } }),
  },
  {
    name: 'an iat 6 s ahead',
    wrong: () => ({ payload: { set: { iat: { fromNow: 6 } } } }),
    why: 'not-yet-valid',
    good: () => ({ payload: { set: { iat: { fromNow: 5 } } } }),
  },
  { name: 'an iat of 0', wrong: () => ({ payload: { set: { iat: 0 } } }), why: 'too-old' },
  { name: 'an iat of -1', wrong: () => ({ payload: { set: { iat: -1 } } }), why: 'too-old' },
  {
    name: 'an iat that is the least of 64 bits',
    wrong: () => withIat('-9223372036854775808'),
    why: 'malformed-claims',
  },
  {
    name: 'an iat that is the most of 64 bits',
    wrong: () => withIat('9223372036854775807'),
    why: 'malformed-claims',
  },
  { name: 'an endless iat', wrong: () => withIat('1e400'), why: 'malformed' },
  {
    name: 'an iat in milliseconds',
    wrong: () => ({ payload: { set: { iat: createClock().now() } } }),
    why: 'not-yet-valid',
  },
  {
    name: 'an iat with a fraction',
    wrong: () => withIat(`${createClock().now() / 1000}.5`),
    why: 'malformed-claims',
    good: () => withIat(`${createClock().now() / 1000}.0`),
  },
  {
    name: 'an iat as a text',
    wrong: () => ({ payload: { set: { iat: '1780315200' } } }),
    why: 'malformed-claims',
  },
  { name: 'no iat', wrong: () => ({ payload: { remove: ['iat'] } }), why: 'malformed-claims' },
  { name: 'no jti', wrong: () => ({ payload: { remove: ['jti'] } }), why: 'malformed-claims' },
  {
    name: 'an empty jti',
    wrong: () => ({ payload: { set: { jti: '' } } }),
    why: 'malformed-claims',
  },
  {
    name: 'a jti that is a number',
    wrong: () => ({ payload: { set: { jti: 7 } } }),
    why: 'malformed-claims',
  },
  {
    name: 'a jti of 257 characters',
    wrong: () => ({ payload: { set: { jti: '<repeat:j:257>' } } }),
    why: 'malformed-claims',
    good: () => ({ payload: { set: { jti: '<repeat:j:256>' } } }),
  },
]

function digest(encoding: 'hex' | 'base64url'): string {
  return createHash('sha256').update(request.accessToken).digest(encoding)
}

/** Numbers that JavaScript would write in another way. */
function withIat(text: string): TokenRecipe {
  return { payload: { remove: ['iat'], text: `{<members>,"iat":${text}}` } }
}

assert.ok(proofs.length >= 40)
for (const { name, wrong, why, good } of proofs) {
  test(`a proof with ${name} is refused as ${why}`, async () => {
    const service = startProofService()
    assert.equal(await service.fateOf([service.prove(wrong(service))]), why)
    assert.equal(await service.fateOf([service.prove(good?.(service))]), 'proven')
  })
}

const targets: readonly (readonly [name: string, htu: string, fate: string])[] = [
  ['the URL without its query', 'https://orders.example/orders/7', 'proven'],
  ['scheme and host in upper case', 'HTTPS://Orders.EXAMPLE/orders/7', 'proven'],
  ['the default port', 'https://orders.example:443/orders/7', 'proven'],
  ['an encoded letter', 'https://orders.example/%6Frders/7', 'proven'],
  ['the path in another case', 'https://orders.example/Orders/7', 'wrong-url'],
  ['another scheme', 'http://orders.example/orders/7', 'wrong-url'],
  ['the port of another scheme', 'https://orders.example:80/orders/7', 'wrong-url'],
  ['another port', 'https://orders.example:8443/orders/7', 'wrong-url'],
  ['another host', 'https://orders.example.evil/orders/7', 'wrong-url'],
  ['a slash at the end', 'https://orders.example/orders/7/', 'wrong-url'],
  ['an encoded slash', 'https://orders.example/orders%2F7', 'wrong-url'],
  ['twice encoded', 'https://orders.example/%256Frders/7', 'wrong-url'],
  ['its query', 'https://orders.example/orders/7?page=2', 'wrong-url'],
  ['an empty query', 'https://orders.example/orders/7?', 'wrong-url'],
  ['a fragment', 'https://orders.example/orders/7#top', 'wrong-url'],
  ['user info', 'https://orders.example@orders.example/orders/7', 'wrong-url'],
  ['dot segments', 'https://orders.example/x/../orders/7', 'wrong-url'],
  ['a backslash', 'https://orders.example\\orders\\7', 'wrong-url'],
  ['a space before it', ' https://orders.example/orders/7', 'wrong-url'],
  ['a line break after it', 'https://orders.example/orders/7\n', 'wrong-url'],
  ['the path alone', '/orders/7', 'wrong-url'],
]
assert.ok(targets.length >= 20)
for (const [name, htu, fate] of targets) {
  test(`a proof whose htu is ${name}: ${fate}`, async () => {
    const { fateOf, prove } = startProofService()
    assert.equal(await fateOf([prove({ payload: { set: { htu } } })]), fate)
  })
}
