import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createVerifier } from '@portcullis/verify'
import type { TestIssuerOptions } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'

const sid = 'S'.repeat(22)

/** A life with all that an issuer serves: documents, a client's token, snapshot and stream. */
async function liveThrough(t: TestContext, options: TestIssuerOptions): Promise<void> {
  const issuer = await createTestIssuer({
    algorithm: 'EdDSA',
    feed: { wantsToken: true },
    ...options,
  })
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    client: { id: 'orders', secret: 's' },
    fetch: issuer.fetch,
  })
  t.after(async () => {
    await verifier.close()
    await issuer.close()
  })
  await verifier.ready()
  const token = issuer.mint({ sid })
  await verifier.verify(token)
  await untilApplied(verifier, issuer.revoke({ sid }))
  await assert.rejects(verifier.verify(token), { reason: 'revoked' })
  assert.deepEqual(issuer.requests, { metadata: 1, jwks: 1, token: 1 })
  assert.deepEqual(issuer.feedRequests, { keys: 1, snapshot: 1, stream: 1 })
}

test('without a network no socket is opened and no name is resolved', async (t) => {
  const opened = new Set<string>()
  const hook = createHook({ init: (_id, type) => void opened.add(type) }).enable()
  t.after(() => void hook.disable())
  const ofNetwork = (): readonly string[] =>
    [...opened].filter((type) => /^(?:TCP|UDP|TLS|GETADDRINFO|HTTP)/.test(type))

  await liveThrough(t, { network: false })
  assert.deepEqual(ofNetwork(), [])
  assert.doesNotMatch(process.getActiveResourcesInfo().join(), /TCP/)
  assert.ok(opened.size > 0, 'nothing was seen')

  await liveThrough(t, { network: true })
  assert.ok(ofNetwork().includes('TCPSERVERWRAP'), 'a socket would have been seen')
})

for (const [issuer, expected] of [
  [undefined, 'https://issuer.test'],
  ['https://id.shop.example', 'https://id.shop.example'],
  ['https://id.example/tenants/shop', 'https://id.example/tenants/shop'],
  ['http://localhost:4000', 'http://localhost:4000'],
] as const) {
  test(`the issuer without a network can be ${issuer ?? 'left unnamed'}`, async (t) => {
    await liveThrough(t, { network: false, ...(issuer && { issuer }) })
    const named = await createTestIssuer({ network: false, ...(issuer && { issuer }) })
    assert.equal(named.issuer, expected)
  })
}

test('options that do not fit are mistakes', async () => {
  const mistakes: readonly (readonly [object, RegExp])[] = [
    [{ netwrok: false }, /unknown option "netwrok"/],
    [{ network: false, port: 4000 }, /option "port"/],
    [{ issuer: 'https://id.example' }, /"issuer" for none/],
    [{ network: false, issuer: 'http://id.example' }, /option "issuer" must be a URL/],
    [{ network: false, issuer: 'https://id.example/' }, /option "issuer" must be a URL/],
  ]
  for (const [options, message] of mistakes) {
    await assert.rejects(createTestIssuer(options), { name: 'TypeError', message })
  }
})

test('two issuers without a network know nothing of each other', async (t) => {
  const ours = await createTestIssuer({ network: false, algorithm: 'EdDSA' })
  const theirs = await createTestIssuer({
    network: false,
    algorithm: 'EdDSA',
    issuer: 'https://id.example',
  })
  const audience = 'orders'
  const verifier = createVerifier([
    { issuer: ours.issuer, audience, fetch: ours.fetch },
    { issuer: theirs.issuer, audience, fetch: theirs.fetch },
  ])
  t.after(verifier.close)
  await verifier.ready()
  await verifier.verify(ours.mint())
  await verifier.verify(theirs.mint())
  await assert.rejects(theirs.fetch(`${ours.issuer}/.well-known/jwks.json`), TypeError)
})

/** Programs that leave everything open; the output is what they get done before they end. */
const programs = [
  {
    what: 'a stream that is open keeps no process alive',
    program: `
      const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch })
      await verifier.ready()
      await verifier.verify(issuer.mint())
      process.stdout.write('verified')`,
    output: 'verified',
  },
  {
    what: 'a request that hangs keeps it alive until it is given up',
    program: `
      issuer.goDown('hang')
      const signal = AbortSignal.timeout(50)
      await issuer.fetch(issuer.issuer + '/.well-known/jwks.json', { signal }).catch((error) => {
        process.stdout.write(error.name)
      })`,
    output: 'TimeoutError',
  },
] as const

for (const { what, program, output } of programs) {
  test(`without a network, ${what}`, () => {
    const text = `
      import { createVerifier } from '@portcullis/verify'
      import { createTestIssuer } from '@portcullis/verify/testing'
      const issuer = await createTestIssuer({ network: false, algorithm: 'EdDSA' })
      ${program}`
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@portcullis/source', '--input-type=module', '--eval', text],
      { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8', timeout: 20_000 },
    )
    assert.deepEqual([status, stdout, stderr], [0, output, ''])
  })
}
