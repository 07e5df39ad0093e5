import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createClientPlaces, createLog, createMetrics } from '@portcullis/runtime'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { openExchange } from '../src/exchange/exchange.ts'
import { createFeedReaders } from '../src/relay/feed-readers.ts'
import type { FeedListener } from '../src/relay/relayed-feed.ts'
import { createRelayRoutes } from '../src/relay/relay-routes.ts'
import { createRelayedSnapshots } from '../src/relay/relayed-snapshots.ts'

const requestFrom = (remoteAddress: string): IncomingMessage =>
  ({ rawHeaders: [], socket: { remoteAddress } }) as unknown as IncomingMessage

test('without a token nobody reads the feed of an issuer that others reach, and only this machine that of one on it', async (t) => {
  const isLetIn: (readonly [string, string, boolean])[] = []
  for (const network of [true, false]) {
    const issuer = await createTestIssuer({ algorithm: 'ES256', network })
    t.after(issuer.close)
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: issuer.issuer,
      fetch: issuer.fetch,
    })
    t.after(verifier.close)
    const readerOf = createFeedReaders(verifier)
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '::ffff:10.0.0.1']) {
      const { kind } = await readerOf(requestFrom(address))
      isLetIn.push([network ? 'http' : 'https', address, kind === 'reader'])
    }
  }
  const letIn = isLetIn.filter(([, , isIn]) => isIn).map(([scheme, address]) => [scheme, address])
  assert.deepEqual(letIn, [
    ['http', '127.0.0.1'],
    ['http', '::1'],
    ['http', '::ffff:127.0.0.1'],
  ])
  assert.equal(isLetIn.length, 10)
})

test('a follower that does not read is cut, so that nothing is kept for it', async (t) => {
  const listeners = new Set<FeedListener>()
  const places = createClientPlaces({ max: 9, perClientMax: 9 })
  const answer = createRelayRoutes({
    prefix: '',
    feed: {
      begin: () => undefined,
      take: () => undefined,
      endAll: () => undefined,
      silentMs: () => 0,
      subscribe: async (_, subscribed) => {
        listeners.add(subscribed)
        return { kind: 'subscribed', cancel: () => listeners.clear() }
      },
    },
    snapshots: { take: async () => undefined },
    readerOf: async () => ({
      kind: 'reader',
      clientId: undefined,
      authorization: undefined,
      onceRefused: () => () => undefined,
    }),
    streamPlaces: places,
    snapshotPlaces: places,
  })
  const log = createLog({ name: 'relay', destination: { write: () => undefined } })
  const requests = createMetrics().requests()
  const server = createServer((request, response) => {
    void answer(openExchange({ log, requests }, request, response))
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect(port, 'localhost').pause()
  t.after(() => {
    socket.destroy()
    server.close()
  })
  socket.on('error', () => undefined)
  socket.write(`GET /revocations/stream?after=${'E'.repeat(22)}:1 HTTP/1.1\r\nHost: relay\r\n\r\n`)
  const event = Buffer.from(`data: ${'x'.repeat(65_000)}\n\n`)
  let sent = 0
  for (let turns = 0; turns < 2_000 && (listeners.size > 0 || sent === 0); turns += 1) {
    for (const { send } of listeners) {
      sent += event.length
      send(event)
    }
    await setTimeout(1)
  }
  assert.ok(sent > 1024 * 1024, 'it was given what fits into a buffer')
  assert.equal(listeners.size, 0, 'it still listens')
})

test('snapshots that are asked for together are one, and one that is a second old is not given again', async () => {
  let asked = 0
  let nowMs = 0
  let status = 200
  const { take } = createRelayedSnapshots({
    fetch: async (_, { headers }) => {
      asked += 1
      assert.equal(new Headers(headers).get('authorization'), 'Bearer t')
      return new Response(`snapshot ${asked}`, { status })
    },
    address: () => 'https://id.example/revocations/snapshot',
    monotonic: () => nowMs,
  })
  const textOf = async (): Promise<string | undefined> => {
    const body = await take('Bearer t')
    return body && Buffer.concat(body).toString()
  }
  assert.deepEqual(await Promise.all([textOf(), textOf(), textOf()]), Array(3).fill('snapshot 1'))
  nowMs = 999
  assert.equal(await textOf(), 'snapshot 1')
  nowMs = 1_000
  assert.equal(await textOf(), 'snapshot 2')
  nowMs = 2_000
  status = 401
  assert.equal(await textOf(), undefined)
  status = 200
  assert.equal(await textOf(), 'snapshot 4')
})
