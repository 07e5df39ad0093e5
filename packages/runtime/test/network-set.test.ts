import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNetworkSet } from '../src/network-set.ts'

test('an address lies in a network in every spelling that a socket has for it', () => {
  const isTrusted = createNetworkSet(['127.0.0.1', '10.1.0.0/16', 'fd00:1::/32', '::1'])
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
  // Node takes IPv4 for a part of IPv6.
  const isOfSix = createNetworkSet(['::/1'])
  assert.equal(isOfSix('::1'), true)
  assert.equal(isOfSix('10.0.0.1'), false)
  for (const address of others) assert.equal(isTrusted(address), false, String(address))
})
