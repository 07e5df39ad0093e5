import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { FrameListener } from '../src/domain/feed.ts'
import type { Callers } from '../src/http/callers.ts'
import { addRevocations } from '../src/http/revocations.ts'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { chainBefore, fetchFeedKeys, follow } from './follower.ts'
import { createLogInMemory, startRunningIdentity } from './running-identity.ts'
import { call, positionOf, signIn } from './signed-in.ts'

const epoch = 'E'.repeat(22)

/** The routes over a feed that sends what it is told to, to followers who may read until they may not. */
interface Streams {
  readonly port: number
  readonly send: (bytes: number) => void
  readonly followers: () => number
  /** What waits in this process for the connection that came last. */
  readonly unsentBytes: () => number
  readonly forbid: () => void
  readonly close: () => Promise<unknown>
}

function refuse(): never {
  assert.fail('not asked here')
}

async function startStreams(t: TestContext, recheckMs: number): Promise<Streams> {
  const listeners = new Set<FrameListener>()
  let mayFollow = true
  const app = createHttpServer(createLogInMemory().log, { issuer: 'https://id.example' })
  const send = (bytes: number): void => {
    const frame = { position: { epoch, seq: 0 }, records: Buffer.alloc(bytes), checkpoint: 'x' }
    for (const listener of listeners) listener(frame)
  }
  const callers: Callers = {
    requirePerson: refuse,
    requireAdministrator: refuse,
    requireSession: refuse,
    requireFeedReader: async () => {
      if (!mayFollow) throw new Error('the client was stopped')
    },
  }
  addRevocations(app, {
    issuer: 'https://id.example',
    callers,
    recheckMs,
    feed: {
      publish: refuse,
      beat: refuse,
      snapshot: refuse,
      subscribe: async (_after, listener) => {
        listeners.add(listener)
        listener({ position: { epoch, seq: 0 }, records: Buffer.alloc(0), checkpoint: 'x' })
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
    unsentBytes: () => (last?.destroyed === false ? last.writableLength : 0),
    forbid: () => (mayFollow = false),
    close: () => app.close(),
  }
}

/** A follower that reads the first frame, and nothing more until it is resumed. */
async function openStalled(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.write(`GET /revocations/stream?after=${epoch}:0 HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  const [piece] = (await once(socket, 'data')) as [Buffer]
  assert.match(piece.toString(), /^HTTP\/1\.1 200 /)
  socket.pause()
  return socket
}

async function waitUntil(isReached: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 3000
  while (!isReached()) {
    assert.ok(performance.now() < deadline, `never happened: ${what}`)
    await setTimeout(5)
  }
}

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
