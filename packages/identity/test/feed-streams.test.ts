import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Subscription } from '../src/domain/feed.ts'
import type { PublishedFrame } from '../src/domain/feed-frames.ts'
import type { FrameListener } from '../src/domain/feed-listeners.ts'
import type { Callers } from '../src/http/callers.ts'
import { addFeed } from '../src/http/feed.ts'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { chainBefore, fetchFeedKeys, follow } from './follower.ts'
import { createLogInMemory, startRunningIdentity } from './running-identity.ts'
import { call, positionOf, signIn } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const epoch = 'E'.repeat(22)

function frameOf(bytes: number): PublishedFrame {
  const records = Buffer.alloc(bytes)
  const text = Buffer.from(records.toString('base64url'))
  return { position: { epoch, seq: 0 }, records, text, checkpoint: 'x' }
}

/** The routes over a feed that sends what it is told to, to followers who may read until they may not. */
interface Streams {
  readonly port: number
  readonly send: (bytes: number) => void
  readonly followers: () => number
  /** How many have left before it was their turn. */
  readonly left: () => number
  /** What waits in this process for the connection that came last. */
  readonly unsentBytes: () => number
  readonly forbid: () => void
  readonly close: () => Promise<unknown>
}

function refuse(): never {
  assert.fail('not asked here')
}

/** Who comes from here waits until it has left. */
const placeInLine = 7
/** The feed has moved on from here before the first frame is answered. */
const placeOvertaken = 8

const usual = { streamsMax: 100, snapshotsMax: 100, perClientMax: 100, snapshotMs: 60_000 }

async function whenLeft(isLeft: () => boolean = refuse): Promise<Subscription> {
  while (!isLeft()) await setTimeout(5)
  return { kind: 'left' }
}

async function startStreams(
  t: TestContext,
  recheckMs: number,
  limits: typeof usual = usual,
): Promise<Streams> {
  const listeners = new Set<FrameListener>()
  let mayFollow = true
  let left = 0
  const app = createHttpServer(createLogInMemory().log, { issuer: 'https://id.example' })
  const send = (bytes: number): void => {
    const frame = frameOf(bytes)
    for (const listener of listeners) listener(frame)
  }
  const callers: Callers = {
    requirePerson: refuse,
    requireAdministrator: refuse,
    requireSession: refuse,
    requireHolder: refuse,
    requireReceiptReader: refuse,
    requireReceiver: refuse,
    requireFeedReader: async ({ headers }) => {
      if (headers.authorization === 'slow') await setTimeout(100)
      return {
        clientId: headers.authorization,
        requireStill: async () => {
          if (!mayFollow) throw new Error('the client was stopped')
        },
      }
    },
  }
  addFeed(app, {
    issuer: 'https://id.example',
    callers,
    recheckMs,
    limits,
    feed: {
      publish: refuse,
      beat: refuse,
      streams: () => listeners.size,
      lastCheckpoint: () => undefined,
      // More than the kernel takes for a reader that has stalled.
      snapshot: async () => ({
        manifest: 'signed',
        records: Array.from({ length: 64 }, () => Buffer.alloc(1024 * 1024)),
      }),
      subscribe: async ({ seq }, listener, leave, isLeft) => {
        if (seq === placeInLine) return whenLeft(isLeft).finally(() => (left += 1))
        listeners.add(listener)
        listener(frameOf(0))
        if (seq === placeOvertaken) leave()
        return { kind: 'subscribed', cancel: () => void listeners.delete(listener) }
      },
    },
  })
  let last: Socket | undefined
  app.server.on('connection', (socket) => (last = socket))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const followers = (): number => listeners.size
  return {
    port: boundPort(app),
    send,
    followers,
    left: () => left,
    unsentBytes: () => (last?.destroyed === false ? last.writableLength : 0),
    forbid: () => (mayFollow = false),
    close: () => app.close(),
  }
}

const streamRoute = `/revocations/stream?after=${epoch}:0`
const snapshotRoute = '/revocations/snapshot'

/** A follower that reads the first frame, and nothing more until it is resumed. */
async function openStalled(t: TestContext, port: number, route = streamRoute): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.write(`GET ${route} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  const [piece] = (await once(socket, 'data')) as [Buffer]
  assert.match(piece.toString(), /^HTTP\/1\.1 200 /)
  socket.pause()
  return socket
}

test('a stream that ends while it begins ends after its first frame, and is followed no longer', async (t) => {
  const streams = await startStreams(t, 60_000)
  const address = `http://127.0.0.1:${streams.port}/revocations/stream?after=${epoch}:${placeOvertaken}`
  const answer = await fetch(address)
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /^event: records\nid: E{22}:0\ndata: .*\n\n$/)
  assert.equal(streams.followers(), 0)
})

const frameBytes = 128 * 1024
/** What the kernel buffers for a socket that is not read, and the megabyte of ours, are far below it. */
const framesMax = (64 * 1024 * 1024) / frameBytes

/** Sends until it holds. Answers how many frames that took. */
async function sendUntil(isReached: () => boolean, streams: Streams): Promise<number> {
  for (let sent = 0; sent < framesMax; sent += 1) {
    if (isReached()) return sent
    streams.send(frameBytes)
    await setTimeout(1)
  }
  return assert.fail('the kernel took everything')
}

/** Leaves the stalled follower that came last with octets that the kernel does not take. */
async function fill(streams: Streams): Promise<void> {
  await sendUntil(() => streams.unsentBytes() > 2 * frameBytes, streams)
  assert.equal(streams.followers(), 1, 'it was cut already')
}

test('a reader that is too slow is cut, and nothing more is kept for it', async (t) => {
  const streams = await startStreams(t, 60_000)
  const slow = await openStalled(t, streams.port)
  const quick = await openStalled(t, streams.port)
  quick.resume()
  const frames = await sendUntil(() => streams.followers() === 1, streams)
  t.diagnostic(`cut after ${((frames * frameBytes) / 1024 / 1024).toFixed(1)} MiB`)
  assert.equal(streams.followers(), 1)
  slow.resume()
  await once(slow, 'close')
  streams.send(0)
  assert.equal(streams.followers(), 1, 'the other one is not concerned')
})

test('a stream ends when its follower may read no more', async (t) => {
  const streams = await startStreams(t, 50)
  const socket = await openStalled(t, streams.port)
  socket.resume()
  await setTimeout(120)
  assert.equal(streams.followers(), 1, 'a good follower was sent away')
  streams.forbid()
  await once(socket, 'close')
  assert.equal(streams.followers(), 0)
})

test('a stalled follower that is sent away gets no frame any more, and does not stay', async (t) => {
  const streams = await startStreams(t, 50)
  const stalled = await openStalled(t, streams.port)
  await fill(streams)
  streams.forbid()
  await waitUntil(() => streams.followers() === 0, 'it is forgotten')
  for (let many = 0; many < 5; many += 1) streams.send(10)
  await setTimeout(600)
  assert.equal(streams.unsentBytes(), 0, 'the rest still waits for it')
  stalled.resume()
  await once(stalled, 'close')
})

test('closing ends the streams at once, also one that nobody reads', async (t) => {
  const streams = await startStreams(t, 60_000)
  await openStalled(t, streams.port)
  await fill(streams)
  const startedAtMs = performance.now()
  await streams.close()
  const tookMs = performance.now() - startedAtMs
  t.diagnostic(`closed after ${tookMs.toFixed(0)} ms`)
  assert.ok(tookMs < 1500)
  assert.equal(streams.followers(), 0)
})

test('one client cannot take all the room there is, and those beyond it are told when to come again', async (t) => {
  const limits = { ...usual, streamsMax: 3, snapshotsMax: 3, perClientMax: 2 }
  const { port } = await startStreams(t, 60_000, limits)
  for (const route of [streamRoute, snapshotRoute]) {
    const opened: AbortController[] = []
    // One that nobody holds any more would be cancelled.
    const held: Response[] = []
    const open = async (client: string): Promise<Response> => {
      const leaving = new AbortController()
      opened.push(leaving)
      // Compressed, all of it would be on its way at once.
      const headers = { authorization: client, 'accept-encoding': 'identity' }
      const url = `http://127.0.0.1:${port}${route}`
      const response = await fetch(url, { headers, signal: leaving.signal })
      held.push(response)
      return response
    }
    for (const client of ['leaking', 'leaking']) assert.equal((await open(client)).status, 200)
    const refused = await open('leaking')
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '5'])
    assert.equal((await open('other')).status, 200)
    const full = await open('third')
    assert.deepEqual([full.status, full.headers.get('retry-after')], [503, '5'])
    opened[0]?.abort()
    for (let tries = 0; ; tries += 1) {
      const { status } = await open('leaking')
      if (status === 200) break
      assert.ok(tries < 100, `still ${status} when another one has left`)
      await setTimeout(10)
    }
    assert.ok(held.length >= 6)
    for (const leaving of opened) leaving.abort()
  }
})

test('who leaves before it is known who it is takes no room', async (t) => {
  const { port } = await startStreams(t, 60_000, { ...usual, perClientMax: 1 })
  for (const route of [streamRoute, snapshotRoute]) {
    const url = `http://127.0.0.1:${port}${route}`
    const headers = { authorization: 'slow' }
    await assert.rejects(fetch(url, { headers, signal: AbortSignal.timeout(30) }))
    await setTimeout(150)
    const leaving = new AbortController()
    const { status } = await fetch(url, { headers, signal: leaving.signal })
    leaving.abort()
    assert.equal(status, 200)
  }
})

test('who leaves while it waits for its first frame is not waited for, and leaves its room', async (t) => {
  const streams = await startStreams(t, 60_000, { ...usual, perClientMax: 1 })
  const url = `http://127.0.0.1:${streams.port}/revocations/stream?after=${epoch}:${placeInLine}`
  const headers = { authorization: 'hasty' }
  for (const count of [1, 2, 3]) {
    await assert.rejects(fetch(url, { headers, signal: AbortSignal.timeout(200) }))
    await waitUntil(() => streams.left() === count, 'the feed knows that it has left')
  }
})

test('a snapshot that is not read is cut when its time is over', async (t) => {
  const { port, unsentBytes } = await startStreams(t, 60_000, { ...usual, snapshotMs: 1_500 })
  const stalled = await openStalled(t, port, snapshotRoute)
  assert.ok(unsentBytes() > 0)
  await waitUntil(() => unsentBytes() === 0, 'it is cut')
  stalled.resume()
  await once(stalled, 'close')
})

test('200 followers all get every record, and an issuer that stops ends them quickly', async (t) => {
  const issuer = 'http://127.0.0.1:4000'
  const identity = await startRunningIdentity({ file: { issuer } })
  let isClosed = false
  t.after(async () => {
    if (!isClosed) await identity.close()
  })
  const keys = await fetchFeedKeys(identity)
  const first = await signIn(identity)
  const position = positionOf(await call(identity, 'POST /logout', { token: first.access }))
  const options = {
    after: `${position.epoch}:0`,
    chain: chainBefore(position.epoch),
    keys,
    issuer,
  }
  const followers = await Promise.all(
    Array.from({ length: 200 }, () => follow(identity.port, options)),
  )
  const { access } = await signIn(identity)
  const askedAtMs = performance.now()
  positionOf(await call(identity, 'POST /logout', { token: access }))
  const delays = await Promise.all(
    followers.map(async (follower) => {
      const seqs: number[] = []
      for (;;) {
        const { records, checkpoint, receivedAtMs } = await follower.next()
        seqs.push(...records.map(({ seq }) => seq))
        if (checkpoint.seq < 2) continue
        assert.deepEqual(seqs, [1, 2])
        return receivedAtMs - askedAtMs
      }
    }),
  )
  t.diagnostic(`the last of 200 followers knew after ${Math.max(...delays).toFixed(1)} ms`)
  const startedAtMs = performance.now()
  isClosed = true
  await Promise.all([identity.close(), ...followers.map(({ ended }) => ended)])
  assert.ok(performance.now() - startedAtMs < 1500)
})
