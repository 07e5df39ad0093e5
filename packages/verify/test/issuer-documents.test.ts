import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'

const issuer = 'https://id.example'
const metadata = { issuer, jwks_uri: `${issuer}/keys` }
const key = {
  kty: 'OKP',
  crv: 'Ed25519',
  kid: 'k1',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
}

/** A verifier whose whole network is a table of addresses, and the addresses it asked. */
function verifierWithin(
  answers: Readonly<Record<string, () => Response>>,
  now: () => number = Date.now,
): { readonly verifier: Verifier; readonly asked: readonly string[] } {
  const asked: string[] = []
  const verifier = createVerifier({
    issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    now,
    fetch: async (url, init) => {
      asked.push(url)
      assert.equal(init.redirect, 'error')
      assert.ok(init.signal)
      const answer = answers[url]
      if (answer === undefined) throw new TypeError('fetch failed')
      return answer()
    },
  })
  return { verifier, asked }
}

const metadataAddress = `${issuer}/.well-known/oauth-authorization-server`

async function reasonOf(ready: Promise<void>): Promise<string> {
  const error: unknown = await ready.then(
    () => assert.fail('ready'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof VerifyError, String(error))
  assert.equal(error.code, 'keys-unavailable')
  assert.equal(error.message, 'the keys of the issuer cannot be had at the moment')
  assert.ok(error.cause instanceof Error)
  return error.cause.message
}

test('the two documents of the issuer are asked for, and nothing else', async () => {
  const { verifier, asked } = verifierWithin({
    [metadataAddress]: () => Response.json(metadata),
    [`${issuer}/keys`]: () => Response.json({ keys: [key] }),
  })
  await verifier.ready()
  await verifier.ready()
  assert.deepEqual(asked, [metadataAddress, `${issuer}/keys`])
})

// ASVS 10.5.3. RFC 8414 section 3.3.
for (const [name, document, why] of [
  [
    'of another issuer',
    { ...metadata, issuer: 'https://other.example' },
    /names "https:\/\/other\.example"$/,
  ],
  ['with a final slash', { ...metadata, issuer: `${issuer}/` }, /not that of the issuer/],
  ['without an issuer', { jwks_uri: `${issuer}/keys` }, /not that of the issuer/],
  ['that is a list', [metadata], /not that of the issuer/],
  ['without a jwks_uri', { issuer }, /jwks_uri/],
  ['with keys elsewhere', { issuer, jwks_uri: 'https://keys.example/keys' }, /jwks_uri/],
  ['with keys on another port', { issuer, jwks_uri: `${issuer}:8443/keys` }, /jwks_uri/],
  ['with keys over http', { issuer, jwks_uri: 'http://id.example/keys' }, /jwks_uri/],
  ['with keys in a file', { issuer, jwks_uri: 'file:///etc/keys' }, /jwks_uri/],
  ['with a jwks_uri that is no text', { issuer, jwks_uri: [`${issuer}/keys`] }, /jwks_uri/],
] as const) {
  test(`metadata ${name} is not used`, async () => {
    const { verifier, asked } = verifierWithin({ [metadataAddress]: () => Response.json(document) })
    assert.match(await reasonOf(verifier.ready()), why)
    assert.deepEqual(asked, [metadataAddress])
  })
}

for (const [name, answer, why] of [
  ['is an error', () => new Response('{}', { status: 500 }), /answered 500/],
  ['is not modified', () => new Response(null, { status: 304 }), /answered 304/],
  ['is not JSON', () => new Response('<html>'), /no usable key set/],
  ['is empty', () => new Response(null), /no usable key set/],
  ['is longer than 64 KiB', () => Response.json({ keys: [], pad: 'x'.repeat(65_536) }), /65536/],
  ['holds no usable key', () => Response.json({ keys: [{ ...key, use: 'enc' }] }), /no usable key/],
] as const) {
  test(`a key set that ${name} is not used, and the metadata is read again afterwards`, async () => {
    const clock = createClock()
    let answerNow: () => Response = answer
    const { verifier, asked } = verifierWithin(
      {
        [metadataAddress]: () => Response.json(metadata),
        [`${issuer}/keys`]: () => answerNow(),
      },
      clock.now,
    )
    assert.match(await reasonOf(verifier.ready()), why)
    answerNow = () => Response.json({ keys: [key] })
    await assert.rejects(verifier.ready(), { code: 'keys-unavailable' }, 'still backing off')
    clock.advanceSeconds(1)
    await verifier.ready()
    assert.equal(asked.filter((address) => address === metadataAddress).length, 2)
  })
}

test('a stream without an end is left after 64 KiB', async () => {
  let pulled = 0
  const endless = (): Response =>
    new Response(
      new ReadableStream({
        pull: (controller) => {
          pulled += 1
          controller.enqueue(new Uint8Array(16_384))
        },
      }),
    )
  const { verifier } = verifierWithin({
    [metadataAddress]: () => Response.json(metadata),
    [`${issuer}/keys`]: endless,
  })
  assert.match(await reasonOf(verifier.ready()), /more than 65536 bytes/)
  assert.ok(pulled <= 8, `${pulled} chunks were read`)
})

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, 'localhost')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `http://localhost:${address.port}`
}

test('a redirect is not followed, not even to a good key set', async (context) => {
  const good = await createTestIssuer({ algorithm: 'EdDSA' })
  context.after(good.close)
  const redirecting = await serve(context, (_request, response) => {
    response.writeHead(302, { location: `${good.issuer}/.well-known/jwks.json` }).end()
  })
  const verifier = createVerifier({
    issuer: redirecting,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  assert.match(await reasonOf(verifier.ready()), /redirect/)
  assert.deepEqual(good.requests, { metadata: 0, jwks: 0, token: 0 })
})

test('an issuer that refuses connections is named with the reason', async () => {
  const closed = await createTestIssuer({ algorithm: 'EdDSA' })
  await closed.close()
  const verifier = createVerifier({
    issuer: closed.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  assert.match(await reasonOf(verifier.ready()), /ECONNREFUSED/)
})

test('an issuer that hangs or drips is given up after five seconds, and known kids do not wait for it', async (context) => {
  const clock = createClock()
  const hanging = await createTestIssuer({ algorithm: 'EdDSA', now: clock.now, maxAgeSeconds: 2 })
  context.after(hanging.close)
  const dripping = await serve(context, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const timer = setInterval(() => response.write(' '), 100)
    response.on('close', () => clearInterval(timer))
  })
  const warm = createVerifier({
    issuer: hanging.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    now: clock.now,
  })
  await warm.ready()
  hanging.goDown('hang')
  clock.advanceSeconds(2)

  const cold = createVerifier({
    issuer: hanging.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  const dripped = createVerifier({
    issuer: dripping,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  const startedAt = performance.now()
  const reasons = Promise.all([reasonOf(cold.ready()), reasonOf(dripped.ready())])
  // Idle until the set was past its max-age: the first to ask has a second of patience.
  for (let count = 0; count < 20; count += 1) await warm.verify(hanging.mint())
  assert.ok(performance.now() - startedAt < 2_000)

  for (const reason of await reasons) assert.match(reason, /within 5000 ms/)
  assert.equal(hanging.requests.jwks, 2)
  assert.ok(performance.now() - startedAt < 10_000)
})
