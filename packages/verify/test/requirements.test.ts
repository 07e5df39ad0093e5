import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Auth } from '@portcullis/verify'
import { hasRole, hasScope, requireRole, requireScope, VerifyError } from '@portcullis/verify'

function auth(claims: { readonly scope?: string; readonly roles?: readonly string[] }): Auth {
  const required = { iss: 'https://id.example', sub: 'a', aud: 'orders', exp: 2, iat: 1, jti: 'j' }
  return { audience: 'orders', claims: { ...required, client_id: 'c', ...claims } }
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
