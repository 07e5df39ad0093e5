import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { OutgoingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { IssuerReport } from '../src/index.ts'
import { auditIssuer, DoctorError } from '../src/index.ts'

interface Page {
  readonly status?: number
  readonly headers?: OutgoingHttpHeaders
  readonly body?: unknown
}

/** An issuer that answers as it is told, by path; `{issuer}` in a text is its own address. */
async function startPages(t: TestContext, pages: Readonly<Record<string, Page>>): Promise<string> {
  let issuer = ''
  const server = createServer((request, response) => {
    const { status = 200, headers = {}, body } = pages[request.url ?? ''] ?? { status: 404 }
    response.writeHead(status, headers)
    response.end(JSON.stringify(body ?? {}).replaceAll('{issuer}', issuer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return issuer
}

const metadataPath = '/.well-known/oauth-authorization-server'
const jwksPath = '/jwks'
const kept = { 'cache-control': 'public, max-age=300', etag: '"1"' }

function faultsOf({ findings, notes }: IssuerReport): readonly string[] {
  return [...findings, ...notes].map(({ fault }) => fault).toSorted()
}

async function publicKeys(): Promise<readonly unknown[]> {
  const issuer = await createTestIssuer({ network: false })
  const answer = await issuer.fetch('https://issuer.test/.well-known/jwks.json')
  return ((await answer.json()) as { readonly keys: readonly unknown[] }).keys
}

async function faultsWith(
  t: TestContext,
  metadata: Readonly<Record<string, unknown>>,
  keySet: Page = {},
): Promise<readonly string[]> {
  const issuer = await startPages(t, {
    [metadataPath]: { body: { issuer: '{issuer}', jwks_uri: `{issuer}${jwksPath}`, ...metadata } },
    [jwksPath]: { headers: kept, body: { keys: await publicKeys() }, ...keySet },
  })
  return faultsOf(await auditIssuer({ issuer }))
}

test('nothing is found at an issuer that does it well, nor in its token', async (t) => {
  const issuer = await createTestIssuer()
  t.after(() => issuer.close())
  const report = await auditIssuer({ issuer: issuer.issuer, token: issuer.mint() })
  assert.deepEqual(faultsOf(report), [])
  assert.equal(report.keys.length, 1)
  assert.equal(report.keys[0]?.bits, 2048)
  assert.equal(report.token?.lifetimeSeconds, 900)
})

test('what is wrong with metadata is found', async (t) => {
  assert.deepEqual(await faultsWith(t, {}), [])
  assert.deepEqual(await faultsWith(t, { issuer: '{issuer}/' }), ['issuer-differs'])
  assert.deepEqual(await faultsWith(t, { jwks_uri: undefined }), ['no-jwks-uri'])
  assert.deepEqual(await faultsWith(t, { token_endpoint: 'http://id.example/token' }), [
    'plain-http',
  ])
  const offered = { id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'] }
  assert.deepEqual(await faultsWith(t, offered), ['none-supported', 'secrets-supported'])
  // Of clients, who have such a secret.
  const ofClients = { token_endpoint_auth_signing_alg_values_supported: ['HS256'] }
  assert.deepEqual(await faultsWith(t, ofClients), [])
})

test('a key set at a host that nobody has named is told, and not fetched', async (t) => {
  const elsewhere = { jwks_uri: 'https://keys.attacker.example/jwks' }
  assert.deepEqual(await faultsWith(t, elsewhere), ['jwks-elsewhere'])
})

test('how long a key set may be kept is looked at', async (t) => {
  const faultsAt = async (headers: OutgoingHttpHeaders): Promise<readonly string[]> =>
    faultsWith(t, {}, { headers })
  assert.deepEqual(await faultsAt({ etag: '"1"' }), ['no-lifetime'])
  assert.deepEqual(await faultsAt({ etag: '"1"', 'cache-control': 'no-store' }), ['kept-too-short'])
  assert.deepEqual(await faultsAt({ etag: '"1"', 'cache-control': 'max-age=1' }), [
    'kept-too-short',
  ])
  const year = 'public, max-age=31536000'
  assert.deepEqual(await faultsAt({ etag: '"1"', 'cache-control': year }), ['kept-too-long'])
  assert.deepEqual(await faultsAt({ 'cache-control': 'max-age=300' }), ['no-validator'])
  // Two of them: RFC 9111 section 4.2.1 lets a service take either.
  for (const [twice, fault] of [
    ['max-age=300, max-age=31536000', 'kept-too-long'],
    ['max-age=31536000, max-age=300', 'kept-too-long'],
    ['max-age=300, max-age=1', 'kept-too-short'],
    ['max-age="31536000"', 'kept-too-long'],
    ['max-age=300, max-age=forever', 'no-lifetime'],
  ] as const) {
    assert.deepEqual(await faultsAt({ etag: '"1"', 'cache-control': twice }), [fault], twice)
  }
})

test('a key set that cannot be had is found, however it fails', async (t) => {
  assert.deepEqual(await faultsWith(t, {}, { status: 500 }), ['no-key-set'])
  assert.deepEqual(await faultsWith(t, {}, { body: { keys: [] } }), ['no-key-set'])
  assert.deepEqual(await faultsWith(t, {}, { body: [] }), ['no-key-set'])
  const redirect = { status: 302, headers: { location: 'https://attacker.example/' } }
  assert.deepEqual(await faultsWith(t, {}, redirect), ['redirect'])
})

test('two documents that differ are found, and so is an issuer without any', async (t) => {
  const body = { issuer: '{issuer}', jwks_uri: `{issuer}${jwksPath}` }
  const issuer = await startPages(t, {
    [metadataPath]: { body },
    '/.well-known/openid-configuration': { body: { ...body, jwks_uri: '{issuer}/old' } },
    [jwksPath]: { headers: kept, body: { keys: await publicKeys() } },
  })
  assert.deepEqual(faultsOf(await auditIssuer({ issuer })), ['documents-differ'])
  // What is weak counts wherever it stands: some clients read the one, some the other.
  const weak = {
    id_token_signing_alg_values_supported: ['none', 'HS256'],
    userinfo_endpoint: 'http://id.example/userinfo',
  }
  for (const [oauth, openId] of [
    [body, { ...body, ...weak }],
    [{ ...body, ...weak }, body],
  ]) {
    const both = await startPages(t, {
      [metadataPath]: { body: oauth },
      '/.well-known/openid-configuration': { body: openId },
      [jwksPath]: { headers: kept, body: { keys: await publicKeys() } },
    })
    const faults = faultsOf(await auditIssuer({ issuer: both }))
    assert.deepEqual(faults, ['none-supported', 'plain-http', 'secrets-supported'])
  }
  const bare = await startPages(t, {})
  assert.deepEqual(faultsOf(await auditIssuer({ issuer: bare })), ['no-metadata'])
})

test('what a token lacks, and how long it lives, is found', async (t) => {
  const issuer = await createTestIssuer()
  t.after(() => issuer.close())
  const faultsOfToken = async (token: string): Promise<readonly string[]> =>
    faultsOf(await auditIssuer({ issuer: issuer.issuer, token }))
  const iat = Math.floor(Date.now() / 1000)
  assert.deepEqual(await faultsOfToken(issuer.mint({ iat, exp: iat + 86_400 })), [
    'token-lives-long',
  ])
  assert.deepEqual(await faultsOfToken(issuer.mint({ exp: undefined })), ['token-no-expiry'])
  assert.deepEqual(await faultsOfToken(issuer.mint({ aud: undefined })), ['token-no-audience'])
  assert.deepEqual(await faultsOfToken(issuer.mint({ jti: undefined })), ['token-claims'])
  assert.deepEqual(await faultsOfToken(issuer.mint({}, { typ: 'JWT' })), ['token-type'])
  assert.deepEqual(await faultsOfToken(issuer.mint({}, { kid: 'gone' })), ['token-key-unknown'])
  assert.deepEqual(await faultsOfToken(issuer.mint({ iss: 'https://x.example' })), [
    'token-of-another',
  ])
  assert.deepEqual(await faultsOfToken(issuer.mint({ note: 'x'.repeat(4000) })), ['token-large'])
  const secret = issuer.forge({ header: { set: { alg: 'HS256' } }, signature: 'hmac-pem' })
  assert.deepEqual(await faultsOfToken(secret), ['token-algorithm'])
})

test('what cannot be audited is told with a remedy, and no token is repeated', async () => {
  const secret = Buffer.from('not a token at all').toString('base64url')
  const failed = async (options: Parameters<typeof auditIssuer>[0]): Promise<DoctorError> => {
    const error: unknown = await auditIssuer(options).then(
      () => assert.fail('it was audited'),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof DoctorError, String(error))
    assert.ok(!`${error.message} ${error.remedy}`.includes(secret))
    return error
  }
  assert.equal((await failed({ issuer: 'ftp://id.example' })).kind, 'usage')
  assert.equal((await failed({ issuer: 'https://me:pw@id.example' })).kind, 'usage')
  assert.equal((await failed({ issuer: 'http://127.0.0.1:1' })).kind, 'unreachable')
  const issuer = await createTestIssuer()
  assert.equal((await failed({ issuer: issuer.issuer, token: secret })).kind, 'usage')
  await issuer.close()
})
