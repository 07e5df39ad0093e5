import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import type { OwnIssuer } from '../src/tokens/own-issuer.ts'
import { startOwnIssuer } from '../src/tokens/own-issuer.ts'

async function start(t: TestContext): Promise<OwnIssuer> {
  const issuer = await startOwnIssuer({ algorithm: 'ES256', host: '127.0.0.1', port: 0 })
  t.after(issuer.close)
  return issuer
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function askForToken(
  origin: string,
  credential: string,
  form: Readonly<Record<string, string>>,
): Promise<Response> {
  return fetch(`${origin}/token?for=me`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credential).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...form }),
  })
}

test('whoever reaches the issuer of the doctor gets no token from it', async (t) => {
  const { issuer } = await start(t)
  const forFeed = { scope: 'revocations.read', audience: issuer }
  for (const form of [{}, { scope: 'orders:read' }, { audience: 'orders' }, forFeed]) {
    const { ok } = await askForToken(issuer, 'attacker:nonsense', form)
    assert.equal(ok, false, JSON.stringify(form))
  }
})

test('the client of the operator gets a token for the revocation feed, and for nothing else', async (t) => {
  const { issuer, client } = await start(t)
  const credential = `${client.id}:${client.secret}`
  const forFeed = { scope: 'revocations.read', audience: issuer }
  assert.equal((await askForToken(issuer, credential, forFeed)).status, 200)
  for (const form of [{}, { ...forFeed, audience: 'orders' }, { ...forFeed, scope: 'orders' }]) {
    assert.equal((await askForToken(issuer, credential, form)).status, 400)
  }
})

test('a stream that nobody was served makes no service follow the feed', async (t) => {
  const { issuer, isFollowed } = await start(t)
  await (await fetch(`${issuer}/revocations/stream`)).body?.cancel()
  assert.equal(isFollowed(), false)
})

test('a service that follows the feed is seen, with the client and on loopback without', async (t) => {
  for (const isWithClient of [true, false]) {
    const { issuer, client, isFollowed } = await start(t)
    const options = { issuer, audience: 'orders', ...(isWithClient && { client }) }
    const verifier = createVerifier(options)
    t.after(() => verifier.close())
    await verifier.ready()
    while (!isFollowed()) await new Promise((resolve) => setTimeout(resolve, 5))
  }
})

test('an issuer that the service reaches over https shows its feed to nobody without a token', async (t) => {
  const port = await freePort()
  const url = 'https://id.example'
  const options = { algorithm: 'ES256', host: '127.0.0.1', port, issuerUrl: url } as const
  const { close, client } = await startOwnIssuer(options)
  t.after(close)
  const origin = `http://127.0.0.1:${port}`
  assert.equal((await fetch(`${origin}/revocations/snapshot`)).status, 401)
  const form = { scope: 'revocations.read', audience: url }
  const answer = await askForToken(origin, `${client.id}:${client.secret}`, form)
  const { access_token: token } = (await answer.json()) as { readonly access_token: string }
  const headers = { authorization: `Bearer ${token}` }
  assert.equal((await fetch(`${origin}/revocations/snapshot`, { headers })).status, 200)
})
