import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { createPacedStream } from '../src/revocation/paced-stream.ts'
import { processTimers } from '../src/timers.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import { waitUntil } from './wait-until.ts'

const mebibyte = 1024 * 1024
/** On a machine that others use too. Without turns each of these would take many seconds. */
const pauseMsMax = 1_000

/** The longest time in which nothing else could happen, while this went on. */
async function longestPauseMs(work: () => Promise<void>): Promise<number> {
  let longest = 0
  let last = performance.now()
  const beat = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 5)
  await work().finally(() => clearInterval(beat))
  return Math.max(longest, performance.now() - last)
}

const floods: readonly (readonly [string, string])[] = [
  ['empty events', 'a:\n\n'],
  ['comments', ':\n'],
  ['blank lines', '\n'],
  ['events that are no frames', 'data:\n\n'],
]
for (const [what, text] of floods) {
  test(`a stream of ${what} holds up no request, and is left after two mebibytes`, async (t) => {
    const issuer = scriptIssuer(t)
    const verifier = await issuer.follow()
    const token = issuer.mint()
    const flood = text.repeat(mebibyte / text.length)
    const pauseMs = await longestPauseMs(async () => {
      for (let times = 0; times < 3; times += 1) issuer.send(flood)
      await waitUntil(() => issuer.asked(paths.snapshot) === 2, 'another snapshot')
    })
    assert.ok(pauseMs < pauseMsMax, `${pauseMs} ms`)
    const health = verifier.revocation()
    assert.ok(health.followed)
    assert.equal(health.counts.framesRefused, 1)
    assert.equal((await verifier.verify(token)).claims.jti, 'j')
  })
}

for (const [what, isPacked] of [
  ['', false],
  [' that is compressed', true],
] as const) {
  test(`a flood without end${what} comes again and again, and requests are served meanwhile`, async (t) => {
    const text = Buffer.from('a:\n\n'.repeat(16_384))
    const packed = gzipSync(Buffer.from('a:\n\n'.repeat(mebibyte)))
    const server = createServer((_request, response) => {
      const type = { 'content-type': 'text/event-stream' }
      if (isPacked) {
        response.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end(packed)
        return
      }
      response.writeHead(200, type)
      // As fast as it goes, and in turns of its own: it is the service that is looked at here.
      const more = (): void => {
        if (response.destroyed) return
        if (response.write(text)) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const issuer = scriptIssuer(t)
    let streams = 0
    const verifier = issuer.verifier({
      fetch: async (url, init) => {
        if (!url.includes(paths.stream)) return issuer.fetch(url, init)
        streams += 1
        return fetch(`http://127.0.0.1:${port}/`, init)
      },
    })
    await verifier.ready()
    const token = issuer.mint()
    let served = 0
    const pauseMs = await longestPauseMs(async () => {
      for (const end = performance.now() + 3_000; performance.now() < end; served += 1) {
        await verifier.verify(token)
        await sleep(5)
      }
    })
    assert.ok(streams >= 2, `${streams} streams`)
    assert.ok(pauseMs < pauseMsMax, `${pauseMs} ms`)
    assert.ok(served > 100, `${served} requests`)
  })
}

test('octets are counted from the last progress on, and a chunk of any size is read in pieces', async () => {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1.5 * mebibyte)
  }
  const paced = createPacedStream(chunks(), processTimers)
  let bytes = 0
  await assert.rejects(
    async () => {
      for await (const piece of paced.pieces()) {
        assert.ok(piece.length <= 8_192)
        bytes += piece.length
        if (bytes === mebibyte) paced.progress()
      }
    },
    { name: 'EventTooLong' },
  )
  assert.equal(bytes, 3 * mebibyte)
})
