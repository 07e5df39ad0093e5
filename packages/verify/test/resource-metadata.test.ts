import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceMetadataOptions } from '@portcullis/verify'
import { createVerifier, resourceMetadata } from '@portcullis/verify'
import { createProofJudge } from '@portcullis/verify/dpop'
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

test('the verifier of several issuers counts for all of them', () => {
  const issuers = ['https://a.example', 'https://b.example'] as const
  const several = createVerifier(issuers.map((issuer) => ({ issuer, audience: 'orders' })))
  const resource = 'https://orders.example'
  for (const counted of [several, [several], [several, { issuer: issuers[0] }]]) {
    const { document } = resourceMetadata({ resource, verifier: counted })
    assert.deepEqual(document.authorization_servers, issuers)
  }
})

test('where proofs are taken, the document tells what they may be signed with', () => {
  const dpop = createProofJudge({ algorithms: ['ES256', 'EdDSA'] })
  const bound = createVerifier({ issuer: 'https://b.example', audience: 'orders', dpop })
  const resource = 'https://orders.example'
  const { document } = resourceMetadata({ resource, verifier: [verifier, bound] })
  assert.deepEqual(document.dpop_signing_alg_values_supported, ['ES256', 'EdDSA'])
  assert.ok(!('dpop_signing_alg_values_supported' in resourceMetadata({ resource, verifier })))
})

test('the document is what the options were when it was made, and stays so', () => {
  const scopes = ['orders:read']
  const metadata = resourceMetadata({ resource: 'https://orders.example', verifier, scopes })
  scopes.push('orders:write')
  assert.deepEqual(metadata.document.scopes_supported, ['orders:read'])
  const parts = [metadata, metadata.document, ...Object.values(metadata.document)]
  assert.ok(parts.length >= 6, 'there is nothing to look at')
  for (const part of parts) assert.ok(Object.isFrozen(part))
})

test('what cannot be compared exactly is refused by its name, and so is an unknown option', () => {
  const resource = 'https://orders.example'
  const wrong: readonly (readonly [unknown, string])[] = [
    [null, 'options must be'],
    [{}, 'option "resource"'],
    [{ resource }, 'option "verifier"'],
    [{ verifier }, 'option "resource"'],
    [{ resource, verifier: null }, 'option "verifier"'],
    [{ resource, verifier: [] }, 'option "verifier"'],
    [{ resource, verifier: [null] }, 'option "verifier"'],
    [{ resource, verifier: {} }, 'option "verifier"'],
    [{ resource, verifier: { issuer: '' } }, 'option "verifier"'],
    [{ resource, verifier: { issuer: 5 } }, 'option "verifier"'],
    [{ resource, verifier: { issuers: 'https://id.example' } }, 'option "verifier"'],
    [{ resource, verifier: { issuers: [] } }, 'option "verifier"'],
    [{ resource, verifier: { issuers: [undefined] } }, 'option "verifier"'],
    [{ resource: 'orders', verifier }, 'option "resource"'],
    [{ resource: 'http://orders.example', verifier }, 'option "resource"'],
    [{ resource: 'https://orders.example/', verifier }, 'option "resource"'],
    [{ resource: 'https://Orders.example', verifier }, 'option "resource"'],
    [{ resource: 'https://orders.example?a=b', verifier }, 'option "resource"'],
    [{ resource: 'https://orders.example#a', verifier }, 'option "resource"'],
    [{ resource: 'https://user@orders.example', verifier }, 'option "resource"'],
    [{ resource, verifier, scopes: ['a b'] }, 'option "scopes"'],
    [{ resource, verifier, scopes: 'orders:read' }, 'option "scopes"'],
    [{ resource, verifier, scopes: null }, 'option "scopes"'],
    [{ resource, verifier, scope: ['a'] }, 'unknown option "scope"'],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => resourceMetadata(options as ResourceMetadataOptions), {
      name: 'TypeError',
      message: new RegExp(`^${message}`),
    })
  }
})
