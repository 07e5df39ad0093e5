import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'node:test'
import type { VerifyErrorCode } from '@portcullis/verify'
import { createVerifier, problemOf, VerifyError } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'

const secret = 'p%ss: wörd+&='
const clients = { 'orders service': secret }

test('ready proves the credential of the client once', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', clients })
  context.after(issuer.close)
  const client = { id: 'orders service', secret }
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', client })
  await verifier.ready()
  await verifier.ready()
  await verifier.withAudience('reviews').ready()
  assert.deepEqual(issuer.requests, { metadata: 1, jwks: 1, token: 1 })
})

test('without a client the token endpoint is not asked', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
  context.after(issuer.close)
  await createVerifier({ issuer: issuer.issuer, audience: 'orders' }).ready()
  assert.equal(issuer.requests.token, 0)
})

test('a client that is refused is an error of ready, and tokens are verified all the same', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', clients })
  context.after(issuer.close)
  const wrong = 'not the secret at all'
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    client: { id: 'orders service', secret: wrong },
  })
  const error: unknown = await verifier.ready().catch((reason: unknown) => reason)
  assert.ok(error instanceof VerifyError)
  assert.equal(error.code, 'client-refused')
  assert.match(error.message, /401 invalid_client/)
  assert.equal(problemOf(error).status, 503)
  const everything = inspect(error, { depth: 9 }) + JSON.stringify(problemOf(error))
  for (const spelling of [wrong, wrong.replaceAll(' ', '+'), btoa(`orders+service:${wrong}`)]) {
    assert.ok(!everything.includes(spelling))
  }
  await verifier.verify(issuer.mint())
})

const answers: readonly (readonly [string, () => Response, VerifyErrorCode | undefined])[] = [
  ['a token', () => Response.json({ access_token: 'x' }), undefined],
  [
    'a token with the scope',
    () => Response.json({ access_token: 'x', scope: 'a revocations.read' }),
    undefined,
  ],
  [
    'a token without the scope',
    () => Response.json({ access_token: 'x', scope: 'a' }),
    'client-refused',
  ],
  [
    'invalid_scope',
    () => Response.json({ error: 'invalid_scope' }, { status: 400 }),
    'client-refused',
  ],
  [
    'an error that is not one',
    () => Response.json({ error: 'x\nlog line' }, { status: 401 }),
    'client-refused',
  ],
  ['no JSON', () => new Response('<html>'), 'issuer-unreachable'],
  ['an overload', () => new Response('', { status: 503 }), 'issuer-unreachable'],
  ['a throttle', () => new Response('', { status: 429 }), 'issuer-unreachable'],
]

for (const [name, answer, code] of answers) {
  test(`the token endpoint answers ${name}: ${code ?? 'ready'}`, async (context) => {
    const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
    context.after(issuer.close)
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      client: { id: 'a', secret: 'b' },
      fetch: async (url, init) => (url.endsWith('/token') ? answer() : fetch(url, init)),
    })
    const error: unknown = await verifier.ready().catch((reason: unknown) => reason)
    assert.equal(error instanceof VerifyError ? error.code : error, code)
    assert.ok(!String(error).includes('log line'))
  })
}

test('the secret is sent to the origin of the issuer and nowhere else', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
  context.after(issuer.close)
  const asked: string[] = []
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    client: { id: 'a', secret: 'b' },
    fetch: async (url, init) => {
      asked.push(url)
      const response = await fetch(url, init)
      if (!url.includes('oauth-authorization-server')) return response
      const metadata = (await response.json()) as Readonly<Record<string, unknown>>
      return Response.json({ ...metadata, token_endpoint: 'https://attacker.example/token' })
    },
  })
  await assert.rejects(verifier.ready(), { code: 'issuer-unreachable' })
  assert.ok(asked.every((url) => url.startsWith(issuer.issuer)))
  await verifier.verify(issuer.mint())
})
