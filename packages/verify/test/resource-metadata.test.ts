import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceMetadataOptions } from '@portcullis/verify'
import { createVerifier, resourceMetadata } from '@portcullis/verify'
import { resourceMetadataHandler } from '@portcullis/verify/fetch'

const verifier = createVerifier({ issuer: 'https://id.example', audience: 'orders' })

test('the document tells where tokens come from, how they are shown and what they may carry', () => {
  const metadata = resourceMetadata({
    resource: 'https://orders.example',
    verifier,
    scopes: ['orders:read', 'orders:write'],
  })
  assert.deepEqual(metadata, {
    url: 'https://orders.example/.well-known/oauth-protected-resource',
    path: '/.well-known/oauth-protected-resource',
    document: {
      resource: 'https://orders.example',
      authorization_servers: ['https://id.example'],
      scopes_supported: ['orders:read', 'orders:write'],
      bearer_methods_supported: ['header'],
    },
  })
})

test('the well-known part goes between the host and the path (RFC 9728 section 3.1)', () => {
  const other = { issuer: 'https://login.example/tenant' }
  const { url, path, document } = resourceMetadata({
    resource: 'https://api.example:8443/v1/orders',
    verifier: [verifier, other, verifier.withAudience('other')],
  })
  assert.equal(path, '/.well-known/oauth-protected-resource/v1/orders')
  assert.equal(url, `https://api.example:8443${path}`)
  assert.deepEqual(document.authorization_servers, ['https://id.example', other.issuer])
  assert.ok(!('scopes_supported' in document))
})

test('the handler answers the document to pages of every origin', async () => {
  const metadata = resourceMetadata({ resource: 'http://localhost:4001', verifier })
  const response = resourceMetadataHandler(metadata)()
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.equal(response.headers.get('access-control-allow-origin'), '*')
  assert.deepEqual(await response.json(), metadata.document)
})

test('what cannot be compared exactly is refused, and so is an unknown option', () => {
  const resource = 'https://orders.example'
  const wrong: readonly unknown[] = [
    {},
    { resource },
    { verifier },
    { resource, verifier: [] },
    { resource: 'orders', verifier },
    { resource: 'http://orders.example', verifier },
    { resource: 'https://orders.example/', verifier },
    { resource: 'https://Orders.example', verifier },
    { resource: 'https://orders.example?a=b', verifier },
    { resource: 'https://orders.example#a', verifier },
    { resource: 'https://user@orders.example', verifier },
    { resource, verifier, scopes: ['a b'] },
    { resource, verifier, scope: ['a'] },
  ]
  for (const options of wrong) {
    assert.throws(() => resourceMetadata(options as ResourceMetadataOptions), TypeError)
  }
})
