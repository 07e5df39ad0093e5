import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTrustedProxies } from '../src/forward-auth/trusted-proxies.ts'

test('a peer is a trusted proxy by its address, in every spelling that a socket has for it', () => {
  const isTrusted = createTrustedProxies(['127.0.0.1', '10.1.0.0/16', 'fd00:1::/32', '::1'])
  const trusted = [
    '127.0.0.1',
    '::ffff:127.0.0.1',
    '10.1.255.255',
    '::ffff:10.1.0.1',
    'fd00:1:2::3',
    '::1',
  ]
  const others = [
    '127.0.0.2',
    '10.2.0.1',
    '::ffff:10.2.0.1',
    'fd00:2::1',
    '::2',
    'localhost',
    '010.1.0.1',
    '',
    undefined,
  ]
  for (const address of trusted) assert.equal(isTrusted(address), true, address)
  for (const address of others) assert.equal(isTrusted(address), false, String(address))
})
