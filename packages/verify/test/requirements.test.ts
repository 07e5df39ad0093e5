import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Auth } from '@portcullis/verify'
import {
  hasRole,
  hasScope,
  requireFresh,
  requireRecentAuth,
  requireRole,
  requireScope,
  VerifyError,
} from '@portcullis/verify'
import { createClock } from './clock.ts'

function auth(claims: Partial<Auth['claims']>): Auth {
  const required = { iss: 'https://id.example', sub: 'a', aud: 'orders', exp: 2, iat: 1, jti: 'j' }
  return { audience: 'orders', own: undefined, claims: { ...required, client_id: 'c', ...claims } }
}

function refusalOf(check: () => void): VerifyError {
  try {
    check()
  } catch (error) {
    assert.ok(error instanceof VerifyError)
    return error
  }
  assert.fail('nothing was refused')
}

test('requireScope asks for every scope', () => {
  const requirement = requireScope('orders:read', 'orders:write')
  requirement(auth({ scope: 'orders:write x orders:read' }))
  for (const scope of ['orders:read', 'orders:write', '', 'orders:read orders:writeX']) {
    assert.equal(refusalOf(() => requirement(auth({ scope }))).status, 403)
  }
  assert.equal(refusalOf(() => requirement(auth({}))).code, 'insufficient-scope')
})

test('a refusal names the scopes that would have been enough', () => {
  const refusal = refusalOf(() => requireScope('orders:read', 'b')(auth({ scope: 'b' })))
  assert.equal(
    refusal.challenge,
    'Bearer realm="orders", error="insufficient_scope", ' +
      'error_description="this needs the scope orders:read b", scope="orders:read b"',
  )
})

test('requireRole asks for any one of the roles', () => {
  const requirement = requireRole('admin', 'support')
  requirement(auth({ roles: ['customer', 'support'] }))
  const refusal = refusalOf(() => requirement(auth({ roles: ['customer'] })))
  assert.equal(refusal.code, 'insufficient-scope')
  assert.equal(refusal.message, 'this needs the role admin or support')
  assert.match(refusal.challenge ?? '', /error="insufficient_scope"/)
  assert.equal(refusalOf(() => requirement(auth({}))).status, 403)
})

// ASVS 10.3.2.
test('a scope or role is held exactly or not at all', () => {
  const held = auth({
    scope: 'orders:read',
    roles: ['admin,user', '\u0430dmin', 'Admin', 'admin '],
  })
  assert.equal(hasScope(held, 'orders:read'), true)
  for (const scope of ['orders', 'orders:', 'ORDERS:READ', 'orders:read ', '']) {
    assert.equal(hasScope(held, scope), false, scope)
  }
  assert.equal(hasRole(held, 'admin,user'), true)
  assert.equal(hasRole(held, 'admin'), false)
  assert.equal(hasRole(held, 'user'), false)
  assert.equal(hasRole(auth({}), 'toString'), false)
})

test('a requirement that requires nothing is a mistake', () => {
  assert.throws(() => requireScope(), TypeError)
  assert.throws(() => requireScope(''), TypeError)
  assert.throws(() => requireScope('a b'), TypeError)
  assert.throws(() => requireScope('a"'), TypeError)
  assert.throws(() => requireScope(...([undefined] as unknown as string[])), TypeError)
  assert.throws(() => requireRole(), TypeError)
  assert.throws(() => requireRole(''), TypeError)
})

// RFC 9470 section 3. ASVS 6.8.4, 10.3.4.
test('requireRecentAuth looks at when the person signed in, to the second', () => {
  const clock = createClock()
  const requirement = requireRecentAuth({ seconds: 60, now: clock.now })
  const signedIn = auth({ auth_time: clock.now() / 1000 })
  clock.advanceSeconds(60)
  requirement(signedIn)
  clock.advanceSeconds(1)
  const refusal = refusalOf(() => requirement(signedIn))
  assert.equal(refusal.status, 401)
  assert.equal(
    refusal.challenge,
    'Bearer realm="orders", error="insufficient_user_authentication", ' +
      'error_description="this needs a sign-in of the last 60 seconds", max_age="60"',
  )
  assert.equal(
    refusalOf(() => requirement(auth({}))).code,
    'insufficient-user-authentication',
    'a machine never signs in',
  )
})

// ASVS 6.8.4.
test('requireRecentAuth asks for one of the ways of signing in, where it names some', () => {
  const clock = createClock()
  const recently = clock.now() / 1000
  const requirement = requireRecentAuth({ seconds: 60, acr: ['mfa', 'phr'], now: clock.now })
  requirement(auth({ auth_time: recently, acr: 'phr' }))
  for (const acr of ['pwd', 'MFA', 'mfa phr', '']) {
    const refusal = refusalOf(() => requirement(auth({ auth_time: recently, acr })))
    assert.match(refusal.challenge ?? '', /max_age="60", acr_values="mfa phr"$/)
    assert.equal(refusal.message, 'this needs another way of signing in')
  }
  assert.throws(() => requirement(auth({ auth_time: recently })), VerifyError)
  assert.throws(() => requirement(auth({ acr: 'mfa' })), VerifyError)
  const one = requireRecentAuth({ seconds: 60, acr: 'mfa', now: clock.now })
  one(auth({ auth_time: recently, acr: 'mfa' }))
})

test('a recency that is no number of seconds, or an option nobody knows, is a mistake', () => {
  const wrong: readonly unknown[] = [
    null,
    {},
    { seconds: 0 },
    { seconds: -1 },
    { seconds: 1.5 },
    { seconds: '60' },
    { seconds: Infinity },
    { seconds: 60, acr: '' },
    { seconds: 60, acr: 'a b' },
    { seconds: 60, acr: [1] },
    { seconds: 60, acr: [] },
    { seconds: 60, maxAge: 60 },
  ]
  for (const options of wrong) {
    assert.throws(() => requireRecentAuth(options as { seconds: number }), {
      name: 'TypeError',
      message: /^(?:options must|(?:unknown )?option "(?:seconds|acr|maxAge)")/,
    })
  }
})

test('a sign-in in the future is none', () => {
  const clock = createClock()
  const requirement = requireRecentAuth({ seconds: 60, now: clock.now })
  const now = clock.now() / 1000
  requirement(auth({ auth_time: now + 5 }))
  assert.throws(() => requirement(auth({ auth_time: now + 6 })), VerifyError)
})

test('a staleness that no route may have, or an option nobody knows, is a mistake', () => {
  const wrong: readonly unknown[] = [
    null,
    {},
    { maxStalenessSeconds: 2 },
    { maxStalenessSeconds: 3_601 },
    { maxStalenessSeconds: 3.5 },
    { maxStalenessSeconds: '5' },
    { maxStalenessSeconds: 5, seconds: 5 },
  ]
  for (const options of wrong) {
    assert.throws(() => requireFresh(options as { maxStalenessSeconds: number }), {
      name: 'TypeError',
      message: /^(?:options must|(?:unknown )?option "(?:maxStalenessSeconds|seconds)")/,
    })
  }
})

test('what no verifier has verified is not fresh, whatever it looks like', () => {
  const requirement = requireFresh({ maxStalenessSeconds: 5 })
  assert.throws(() => requirement(auth({ iat: Date.now() / 1000 })), {
    name: 'TypeError',
    message: /no verifier has verified/,
  })
})
