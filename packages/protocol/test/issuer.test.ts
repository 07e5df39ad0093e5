import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issuerMetadataUrl, parseIssuer } from '@portcullis/protocol'

for (const issuer of [
  'https://id.example',
  'https://id.example:8443',
  'https://id.example/tenant/a',
  'http://localhost:4000',
  'http://127.0.0.1',
  'http://[::1]:4000',
]) {
  test(`${issuer} is an issuer, as it stands`, () => {
    assert.deepEqual(parseIssuer(issuer), { kind: 'issuer', issuer })
  })
}

for (const issuer of [
  '',
  'id.example',
  'http://id.example',
  'http://localhost.attacker.example',
  'http://127.0.0.1.attacker.example',
  'ftp://id.example',
  'javascript:alert(1)',
  'https://id.example/',
  'https://id.example/tenant/',
  'https://ID.example',
  'HTTPS://id.example',
  'https://id.example:443',
  'https://user@id.example',
  'https://id.example?',
  'https://id.example#',
  'https://id.example/a?b',
  'https://id.example/a/../b',
  'https://id.example/%7e\u00e9',
  ' https://id.example',
  'https://id.example\n',
  'https://\uff49d.example',
]) {
  test(`${JSON.stringify(issuer)} is not an issuer`, () => {
    assert.equal(parseIssuer(issuer).kind, 'malformed')
  })
}

test('the metadata of an issuer with a path lies before the path (RFC 8414 section 3.1)', () => {
  const suffix = '.well-known/oauth-authorization-server'
  assert.equal(issuerMetadataUrl('https://id.example'), `https://id.example/${suffix}`)
  assert.equal(issuerMetadataUrl('https://id.example/a/b'), `https://id.example/${suffix}/a/b`)
})
