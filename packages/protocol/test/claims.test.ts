import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { hasAudience, parseAccessTokenClaims, scopesOf } from '@portcullis/protocol'

const good: JsonObject = {
  iss: 'https://id.example',
  sub: 'a',
  aud: 'orders',
  exp: 1_800_000_900,
  iat: 1_800_000_000,
  jti: 'j',
  client_id: 'c',
}

function faultOf(payload: JsonObject): string | undefined {
  const parsed = parseAccessTokenClaims(payload)
  return parsed.kind === 'malformed' ? parsed.claim : undefined
}

test('the required claims are enough', () => assert.equal(faultOf(good), undefined))

for (const claim of Object.keys(good)) {
  test(`${claim} is required, as an own member`, () => {
    const { [claim]: value, ...others } = good
    assert.equal(faultOf(others), claim)
    assert.equal(
      faultOf(
        Object.create({ [claim]: value }, Object.getOwnPropertyDescriptors(others)) as JsonObject,
      ),
      claim,
    )
  })
}

const wrong: Readonly<Record<string, readonly JsonValue[]>> = {
  iss: [1, null, '', ['https://id.example'], {}, 'a\nb', 'x'.repeat(513)],
  sub: [1, null, '', ['a'], {}, 'a\u0000', '\u007f', 'x'.repeat(513)],
  aud: [1, null, '', [], [''], ['a', 1], [['a']], {}, Array.from({ length: 33 }, () => 'a')],
  exp: ['1', null, 0, -1, -0, 1.5, 1e15, Infinity, true, [1], 2 ** 53],
  iat: ['1', null, 0, -1, 1.5, 1e15],
  nbf: ['1', null, 0, 1.5, 1e15],
  auth_time: ['1', null, 0],
  jti: [1, null, '', ['j']],
  client_id: [1, null, '', 'a\rb'],
  acr: [1, null, ['1']],
  amr: ['pwd', null, [1], [['pwd']]],
  scope: [1, null, ['a'], 'a  b', ' a', 'a ', 'a\tb', 'a"b', 'a\\b', '\u00e9'],
  roles: ['admin', null, {}, [1], [null], [['admin']], [''], ['a\nb']],
  sid: [1, null, '', 'a\u0000'],
  gen: ['0', null, -1, 0.5, 2 ** 53],
  cgen: ['0', null, -1, 0.5],
  act: ['a', null, []],
  cnf: ['a', null, [], 1],
}

for (const [claim, values] of Object.entries(wrong)) {
  test(`${claim} of a wrong form is named`, () => {
    assert.ok(values.length > 0)
    for (const value of values) {
      assert.equal(faultOf({ ...good, [claim]: value }), claim, JSON.stringify(value))
    }
  })
}

test('every optional claim in its right form is let through', () => {
  const optional: JsonObject = {
    nbf: 1,
    auth_time: 1,
    acr: '',
    amr: ['pwd', 'otp'],
    scope: 'orders:read orders:write',
    roles: ['customer', 'admin,user'],
    sid: 's',
    gen: 0,
    cgen: 4_294_967_296,
    act: { sub: 'b' },
    cnf: { jkt: 'x' },
    tenant: ['anything', { at: 'all' }],
  }
  assert.equal(faultOf({ ...good, ...optional }), undefined)
  assert.equal(faultOf({ ...good, scope: '' }), undefined)
  assert.equal(faultOf({ ...good, aud: ['a', 'b'] }), undefined)
})

test('an audience is held exactly', () => {
  const parsed = parseAccessTokenClaims({ ...good, aud: ['orders', 'Reviews'] })
  assert.ok(parsed.kind === 'claims')
  assert.equal(hasAudience(parsed.claims, 'orders'), true)
  for (const audience of ['order', 'orders ', 'reviews', '', '0', 'length']) {
    assert.equal(hasAudience(parsed.claims, audience), false, audience)
  }
  const single = parseAccessTokenClaims({ ...good, aud: 'orders reviews' })
  assert.ok(single.kind === 'claims')
  assert.equal(hasAudience(single.claims, 'orders'), false)
})

test('scopes are a list without empty entries', () => {
  assert.deepEqual(scopesOf({}), [])
  assert.deepEqual(scopesOf({ scope: '' }), [])
  assert.deepEqual(scopesOf({ scope: 'a b' }), ['a', 'b'])
})
