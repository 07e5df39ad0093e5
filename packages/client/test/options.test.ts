import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientOptions } from '@portcullis/client'
import { createClient } from '@portcullis/client'

const good = { issuer: 'https://id.example' }

test('an issuer is enough, and the client is frozen', () => {
  assert.ok(Object.isFrozen(createClient(good)))
})

const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
  ['no options at all', undefined, /^options must be an object/],
  ['a name that is not known', { ...good, audiences: ['x'] }, /^unknown option "audiences"/],
  ['no issuer', {}, /^option "issuer"/],
  ['an issuer over http', { issuer: 'http://id.example' }, /^option "issuer".*https/],
  ['an issuer with a slash', { issuer: 'https://id.example/' }, /^option "issuer"/],
  ['an empty client', { ...good, clientId: '' }, /^option "clientId"/],
  ['an empty audience', { ...good, audience: '' }, /^option "audience"/],
  ['an empty list of audiences', { ...good, audience: [] }, /^option "audience"/],
  ['an audience that is no text', { ...good, audience: ['a', 1] }, /^option "audience"/],
  ['scopes as a list', { ...good, scope: ['a'] }, /^option "scope"/],
  ['a store that is no object', { ...good, store: 'local' }, /^option "store"/],
  ['a store that cannot write', { ...good, store: { read() {} } }, /^option "store.write"/],
  ['a lock that is no function', { ...good, lock: {} }, /^option "lock"/],
  ['a fetch that is no function', { ...good, fetch: 'fetch' }, /^option "fetch"/],
  ['a clock that is no function', { ...good, now: 0 }, /^option "now"/],
]

for (const [name, options, message] of mistakes) {
  test(`${name} is a TypeError that names it`, () => {
    assert.throws(() => createClient(options as ClientOptions), { name: 'TypeError', message })
  })
}
