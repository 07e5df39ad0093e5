import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { createSnapshots } from '../src/domain/feed-snapshots.ts'
import { takesGzip } from '../src/http/content-codings.ts'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { openStoreAt } from './opened-store.ts'
import { openFeed, revokeMany } from './published-feed.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'

const issuer = 'http://127.0.0.1:4000'
const identity = await startRunningIdentity({ file: { issuer } })
after(identity.close)

interface Taken {
  readonly encoding: string | undefined
  readonly vary: string | undefined
  readonly wireBytes: number
  readonly seq: number
  readonly records: Buffer
}

async function take(acceptEncoding?: string): Promise<Taken> {
  const headers = acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding }
  const answer = await identity.ask({ path: '/revocations/snapshot', headers })
  assert.equal(answer.status, 200)
  const encoding = answer.headers['content-encoding']
  const body = encoding === 'gzip' ? gunzipSync(answer.bytes) : answer.bytes
  const end = body.indexOf(0x0a)
  const [, payload = ''] = body.toString('latin1', 0, end).split('.')
  const manifest = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    readonly seq: number
    readonly sha256: string
  }
  const records = body.subarray(end + 1)
  assert.equal(manifest.sha256, createHash('sha256').update(records).digest('base64url'))
  const { vary } = answer.headers
  return { encoding, vary, wireBytes: answer.bytes.length, seq: manifest.seq, records }
}

async function revoke(from: RunningIdentity, count: number): Promise<void> {
  const { database, log } = await openStoreAt(from.database, from.clock.now)
  await revokeMany({ log }, count)
  await database.close()
}

test('a snapshot is compressed for whoever takes it, and the same for everybody', async () => {
  assert.equal((await take('gzip')).encoding, undefined, 'a small one is sent as it is')
  await revoke(identity, 5000)
  const plain = await take()
  assert.deepEqual([plain.encoding, plain.vary], [undefined, 'accept-encoding'])
  assert.equal(plain.records.length, 5000 * 33)
  const all = await Promise.all(['gzip', 'br, gzip, deflate', '*'].map(take))
  for (const packed of all) {
    assert.deepEqual([packed.encoding, packed.vary], ['gzip', 'accept-encoding'])
    assert.equal(packed.seq, plain.seq)
    assert.ok(packed.records.equals(plain.records))
    // 20 MB for a million, which is what it may take on the wire.
    assert.ok(packed.wireBytes < 5000 * 20, `${packed.wireBytes / 5000} octets a record`)
  }
})

test('a node that starts has what was in force before, and nothing that has ended since', async (t) => {
  const first = await startRunningIdentity({ file: { issuer } })
  await revoke(first, 1500)
  first.clock.advanceMs(500_000)
  const restarted = await first.restart()
  t.after(restarted.close)
  const count = async (): Promise<number> => {
    const { bytes } = await restarted.ask({ path: '/revocations/snapshot' })
    return (bytes.length - bytes.indexOf(0x0a) - 1) / 33
  }
  assert.equal(await count(), 1500)
  await revoke(restarted, 700)
  assert.equal(await count(), 2200)
  restarted.clock.advanceMs(460_000)
  await revoke(restarted, 25)
  assert.equal(await count(), 725)
})

testOnEngines(
  'a snapshot is given out again for a second, also while no beat brings the log on',
  async (t, engine) => {
    const { feed, clock, monotonic, written } = await openFeed(t, engine)
    const timeOf = async (): Promise<number> => {
      const { manifest } = await feed.snapshot()
      return (JSON.parse(manifest) as { readonly at: number }).at
    }
    const first = await timeOf()
    for (const ms of [400, 600]) {
      clock.advanceMs(ms)
      monotonic.advanceMs(ms)
      assert.equal(await timeOf(), first)
    }
    assert.equal(written(), 0)
    clock.advanceMs(1)
    monotonic.advanceMs(1)
    assert.equal(await timeOf(), first + 1001)
  },
)

testOnEngines(
  'a snapshot that a beat forgets while the log is asked whether it is good is given all the same',
  async (t, engine) => {
    const clock = createChosenClock()
    const { log, database } = await openStoreAt(await engine.createStore(t), clock.now)
    t.after(database.close)
    let beats = 0
    const snapshots = createSnapshots({
      log: {
        ...log,
        head: async () => {
          const head = await log.head()
          beats += 1
          snapshots.forgetOld({ ...head, at: head.at + 1001 })
          return head
        },
      },
      sign: async ({ at }) => String(at),
      monotonic: clock.now,
      giveWay: async () => undefined,
    })
    const first = await snapshots.take()
    const again = await snapshots.take()
    assert.equal(beats, 1)
    assert.equal(again, first)
    clock.advanceMs(1)
    assert.notEqual(await snapshots.take(), first, 'it is forgotten')
  },
)

// RFC 9110 section 12.5.3.
test('what a reader says of gzip counts', () => {
  const yes = ['gzip', 'x-gzip', 'br, gzip', 'GZIP;q=0.1', '*', 'deflate, *;q=0.5', 'gzip;q=1.0']
  const no = [undefined, '', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.000', '*;q=0', '*, gzip;q=0']
  for (const header of yes) assert.ok(takesGzip(header), header)
  for (const header of no) assert.ok(!takesGzip(header), String(header))
})
