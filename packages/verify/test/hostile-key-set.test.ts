import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Fetch } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { refusalOf, startBench, withRandomKid } from './issuer-bench.ts'
import { waitUntil } from './wait-until.ts'

interface Stranger {
  readonly address: string
  readonly requests: () => number
}

async function startStranger(context: TestContext, listener: RequestListener): Promise<Stranger> {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    listener(request, response)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { address: `http://localhost:${port}`, requests: () => requests }
}

/** The issuer's own answers until it is told where to send requests instead. */
function divertible(): { readonly fetch: Fetch; readonly divert: (address: string) => void } {
  let elsewhere: string | undefined
  return {
    fetch: (url, init) => fetch(elsewhere ?? url, init),
    divert: (address) => {
      elsewhere = address
    },
  }
}

const failures: readonly (readonly [
  string,
  (context: TestContext) => Promise<string>,
  why: RegExp,
])[] = [
  [
    'answers errors',
    async (context) =>
      (await startStranger(context, (_request, response) => response.writeHead(500).end())).address,
    /answered 500/,
  ],
  [
    'refuses connections',
    async () => {
      const closed = await createTestIssuer({ algorithm: 'EdDSA' })
      await closed.close()
      return closed.issuer
    },
    /ECONNREFUSED/,
  ],
  [
    'drops connections',
    async (context) =>
      (await startStranger(context, (request) => request.socket.destroy())).address,
    /UND_ERR_SOCKET|ECONNRESET/,
  ],
  [
    'breaks off in the middle',
    async (context) => {
      const { address } = await startStranger(context, (_request, response) => {
        response.writeHead(200, { 'content-length': 1_000 }).write('{"keys":[')
        setTimeout(() => response.destroy(), 20)
      })
      return address
    },
    /UND_ERR_RES_CONTENT_LENGTH_MISMATCH|UND_ERR_SOCKET|ECONNRESET/,
  ],
  // A label of more than 63 octets is refused before anybody is asked (RFC 1035 section 2.3.4).
  ['has no address', async () => `http://${'a'.repeat(64)}.example`, /ENOTFOUND/],
  [
    'does not speak TLS',
    async (context) => {
      const { address } = await startStranger(context, (_request, response) => response.end())
      return address.replace('http:', 'https:')
    },
    /ERR_SSL|SSL|EPROTO/,
  ],
  [
    'redirects to a good key set',
    async (context) => {
      const good = await createTestIssuer({ algorithm: 'EdDSA' })
      context.after(good.close)
      const location = `${good.issuer}/.well-known/jwks.json`
      const { address } = await startStranger(context, (_request, response) =>
        response.writeHead(307, { location }).end(),
      )
      return address
    },
    /redirect/,
  ],
  [
    'answers a page of HTML with 200',
    async (context) => {
      const { address } = await startStranger(context, (_request, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>'),
      )
      return address
    },
    /no usable key set|not that of the issuer/,
  ],
]

for (const [name, start, why] of failures) {
  test(`known kids go on when the issuer ${name}, and others get a 503 that says so`, async (context) => {
    const { fetch, divert } = divertible()
    const { clock, issuer, verifier } = await startBench(context, {}, { fetch })
    await verifier.ready()
    divert(await start(context))
    clock.advanceSeconds(600)
    await verifier.verify(issuer.mint())
    const refusal = await refusalOf(verifier, withRandomKid(issuer))
    assert.deepEqual([refusal.code, refusal.status], ['keys-unavailable', 503])
    assert.ok(refusal.cause instanceof Error)
    assert.match(refusal.cause.message, why)
    clock.advanceSeconds(299.999)
    await verifier.verify(issuer.mint())
    clock.advanceSeconds(0.001)
    assert.equal((await refusalOf(verifier, issuer.mint())).status, 503)
  })
}

test('a key set of 100 MB is cut off early, and the old one stays', async (context) => {
  const { fetch, divert } = divertible()
  const { clock, issuer, verifier } = await startBench(context, {}, { fetch })
  await verifier.ready()
  const chunk = Buffer.alloc(1_000_000, ' ')
  let sent = 0
  let isCut = false
  const { address } = await startStranger(context, (_request, response) => {
    response.on('close', () => (isCut = true))
    const send = (): void => {
      while (sent < 100 && !response.destroyed) {
        sent += 1
        if (!response.write(chunk)) return
      }
      if (!response.destroyed) response.end()
    }
    response.on('drain', send)
    send()
  })
  divert(address)
  clock.advanceSeconds(300)
  await verifier.verify(issuer.mint())
  const refusal = await refusalOf(verifier, withRandomKid(issuer))
  assert.match(String(refusal.cause), /more than 65536 bytes/)
  await waitUntil(() => isCut, 'the end of the connection')
  assert.ok(sent < 20, `${sent} MB were sent`)
})

test('a small answer that unpacks to 100 MB is cut off like a large one', async (context) => {
  const bomb = gzipSync(Buffer.alloc(100_000_000, ' '))
  assert.ok(bomb.length < 200_000)
  const { fetch, divert } = divertible()
  const { clock, issuer, verifier } = await startBench(context, {}, { fetch })
  await verifier.ready()
  const { address } = await startStranger(context, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  divert(address)
  clock.advanceSeconds(300)
  const heapBefore = process.memoryUsage().arrayBuffers
  const refusal = await refusalOf(verifier, withRandomKid(issuer))
  assert.match(String(refusal.cause), /more than 65536 bytes/)
  assert.ok(process.memoryUsage().arrayBuffers - heapBefore < 20_000_000)
  await verifier.verify(issuer.mint())
})

test('an older key set brings a key back at a plain issuer, and not where the feed is followed', async (context) => {
  const { clock, issuer, verifier } = await startBench(context)
  const older: unknown = await (await fetch(`${issuer.issuer}/.well-known/jwks.json`)).json()
  const { kid } = issuer
  const stolen = issuer.mint()
  issuer.rotate()
  issuer.withdraw(kid)
  const following = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    now: clock.now,
  })
  context.after(following.close)
  await following.ready()
  issuer.publish(older)
  clock.advanceSeconds(300)
  await verifier.verify(stolen)
  assert.equal((await refusalOf(following, stolen)).reason, 'key-withdrawn')
})

test('nothing in a token chooses where keys come from', async (context) => {
  const { issuer, verifier } = await startBench(context)
  const internal = await startStranger(context, (_request, response) => response.end('{}'))
  await verifier.ready()
  const tokens = [
    issuer.mint({ iss: internal.address }),
    issuer.mint({ iss: internal.address }, { kid: `${internal.address}/keys` }),
    issuer.mint({}, { kid: 'x', jku: `${internal.address}/keys` }),
    issuer.mint({}, { kid: 'y', x5u: `${internal.address}/chain` }),
  ]
  for (const token of tokens) assert.equal((await refusalOf(verifier, token)).status, 401)
  assert.equal(internal.requests(), 0)
})

test('two issuers with the same kid do not share it', async (context) => {
  const one = await startBench(context)
  const other = await startBench(context)
  const { keys } = (await (await fetch(`${other.issuer.issuer}/.well-known/jwks.json`)).json()) as {
    keys: readonly object[]
  }
  other.issuer.publish({ keys: keys.map((key) => ({ ...key, kid: one.issuer.kid })) })
  const ofOne = one.issuer.mint()
  const ofOther = other.issuer.mint({}, { kid: one.issuer.kid })
  await one.verifier.verify(ofOne)
  await other.verifier.verify(ofOther)
  assert.equal((await refusalOf(one.verifier, ofOther)).reason, 'bad-signature')
  assert.equal((await refusalOf(other.verifier, ofOne)).reason, 'bad-signature')
})

test('a kid that was tried before it was published is accepted five seconds later at the latest', async (context) => {
  for (const isFetchedMeanwhile of [false, true]) {
    const { clock, issuer, verifier } = await startBench(context)
    await verifier.ready()
    issuer.publish(await (await fetch(`${issuer.issuer}/.well-known/jwks.json`)).json())
    issuer.rotate()
    const fresh = issuer.mint()
    assert.equal((await refusalOf(verifier, fresh)).reason, 'unknown-key')
    issuer.publish(undefined)
    clock.advanceSeconds(4.999)
    assert.equal((await refusalOf(verifier, fresh)).reason, 'unknown-key')
    // Whatever brings the set, brings the key.
    if (isFetchedMeanwhile) await refusalOf(verifier, withRandomKid(issuer))
    else clock.advanceSeconds(0.001)
    await verifier.verify(fresh)
  }
})
