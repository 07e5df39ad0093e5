import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReachableAddresses } from '../src/webhooks/reachable-addresses.ts'

const publicOnly = createReachableAddresses([])

test('only addresses of the public Internet may be reached', () => {
  for (const address of ['1.1.1.1', '93.184.216.34', '198.17.0.1', '2606:4700::1111', '2a00::1']) {
    assert.ok(publicOnly.mayReach(address), address)
  }
  const closed = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'localhost',
    '',
    '0177.0.0.1',
  ]
  for (const address of closed) assert.ok(!publicOnly.mayReach(address), address)
})

test('an URL that is no public https URL is said to be none, in whatever spelling', () => {
  const refused = [
    'http://partner.example/',
    'ftp://partner.example/',
    'file:///etc/passwd',
    'https://user@partner.example/',
    'https://partner.example/#fragment',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127。0。0。1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://localhost/',
    'http://localhost/',
    'https://169.254.169.254/latest/meta-data/',
    'not a URL',
    '',
  ]
  for (const url of refused) assert.notEqual(publicOnly.endpointFault(url), undefined, url)
  for (const url of [
    'https://partner.example/events',
    'https://partner.example:8443/?a=b',
    'https://1.1.1.1/',
  ]) {
    assert.equal(publicOnly.endpointFault(url), undefined, url)
  }
})

test('a network that was named may be reached, and plain http on loopback alone', () => {
  const named = createReachableAddresses(['127.0.0.0/8', '10.0.0.0/8', '::1'])
  for (const url of [
    'http://127.0.0.1:8080/',
    'http://localhost/',
    'http://[::1]/',
    'https://10.1.2.3/',
  ]) {
    assert.equal(named.endpointFault(url), undefined, url)
  }
  for (const url of ['http://10.1.2.3/', 'http://partner.example/', 'https://192.168.1.1/']) {
    assert.notEqual(named.endpointFault(url), undefined, url)
  }
})
