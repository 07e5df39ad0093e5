import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { canonicalAddress, networkOf, parseNetwork } from '../src/networks.ts'

/** Each row is one network, in as many spellings as there are. */
const networks: Readonly<Record<string, readonly string[]>> = {
  '192.0.2.1': [
    '192.0.2.1',
    '::ffff:192.0.2.1',
    '::FFFF:C000:201',
    '0:0:0:0:0:ffff:c000:0201',
    '0000:0000:0000:0000:0000:ffff:192.0.2.1',
    '::ffff:192.0.2.1%eth0',
  ],
  '2001:db8::/64': [
    '2001:db8::',
    '2001:db8::1',
    '2001:DB8:0:0::1',
    '2001:0db8:0000:0000:ffff:ffff:ffff:ffff',
    '2001:db8::1:2:3:4',
    '2001:db8::192.0.2.1',
  ],
  '2001:db8:0:1::/64': ['2001:db8:0:1::', '2001:db8:0:1:2:3:4:5', '2001:db8:0:1::ffff:c000:201'],
  '2001:db8:1:2::/64': ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
  'fe80::/64': ['fe80::1', 'fe80::1%eth0', 'fe80::abcd%1', 'FE80:0:0:0:1:1:1:1%25eth0'],
  '::/64': ['::1', '::', '0:0:0:0:0:0:0:1', '::192.0.2.1'],
  '0:1:2:3::/64': ['0:1:2:3:4:5:6:7', '0:1:2:3::'],
}

test('all spellings of an address, and all addresses of a /64, are one network', () => {
  const spellings = Object.entries(networks).flatMap(([network, all]) =>
    all.map((spelling) => [spelling, network] as const),
  )
  assert.ok(spellings.length >= 20)
  for (const [spelling, network] of spellings) assert.equal(networkOf(spelling), network, spelling)
})

const noAddresses = [
  '',
  'unknown',
  'localhost',
  '192.0.2',
  '192.0.2.01',
  '192.0.2.256',
  '0300.0.2.1',
  '0xc0.0.2.1',
  '3221225985',
  '192.0.2.1%eth0',
  '192.0.2.1:80',
  '[2001:db8::1]',
  '2001:db8::1/64',
  '2001:db8::1::',
  '2001:db8',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  '::1]@evil.example/[',
  '::ffff:192.0.2.01',
  '::1 ',
]

test('what is no address is one network for all, and has no canonical spelling', () => {
  for (const text of noAddresses) {
    assert.equal(canonicalAddress(text), undefined, text)
    assert.equal(networkOf(text), 'unknown', text)
  }
})

test('every address that Node knows has one spelling, which stays as it is', () => {
  let seen = 0
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const canonical = canonicalAddress(address)
      assert.ok(canonical !== undefined && isIP(canonical) !== 0, address)
      assert.equal(canonicalAddress(canonical), canonical)
      assert.equal(canonicalAddress(address.toUpperCase()), canonical)
      assert.equal(networkOf(canonical), networkOf(address))
      seen += 1
    }),
  )
  assert.ok(seen >= 100)
})

test('a network is an address or CIDR, and never every address', () => {
  const good = { '10.0.0.0/8': 8, '192.0.2.1': 32, 'fd00::/8': 8, '2001:db8::1': 128 }
  for (const [text, prefixBits] of Object.entries(good)) {
    const parsed = parseNetwork(text)
    assert.ok(parsed.kind === 'network', text)
    assert.equal(parsed.network.prefixBits, prefixBits)
  }
  const bad = {
    '0.0.0.0/0': /every address/,
    '::/0': /every address/,
    '10.0.0.0/33': /1 to 32 bits/,
    'fd00::/129': /1 to 128 bits/,
    '10.0.0.0/': /1 to 32 bits/,
    '10.0.0.0/-1': /1 to 32 bits/,
    '10.0.0.0/8/8': /is not a network/,
    '::ffff:10.0.0.0/104': /as IPv4/,
    'fe80::%eth0/10': /is not a network/,
    loopback: /is not a network/,
    '10.0.0.0/255.0.0.0': /1 to 32 bits/,
  }
  for (const [text, why] of Object.entries(bad)) {
    const parsed = parseNetwork(text)
    assert.ok(parsed.kind === 'malformed', text)
    assert.match(parsed.why, why, text)
  }
})
