import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFrame } from '@portcullis/protocol/revocations'
import type { UpstreamTap } from '../src/relay/upstream-tap.ts'
import { createUpstreamTap } from '../src/relay/upstream-tap.ts'

const epoch = 'E'.repeat(22)
const streamAt = (after: string): string =>
  `https://id.example/revocations/stream?after=${encodeURIComponent(after)}`
const snapshot = 'https://id.example/revocations/snapshot'

function eventOf(checkpoint: string, bytes = 33): string {
  const data = formatFrame({ records: Buffer.alloc(bytes), checkpoint })
  return `event: records\nid: ${epoch}:1\ndata: ${data}\n\n`
}

interface Tapped extends UpstreamTap {
  /** From where streams began, and the events that were taken. */
  readonly begun: string[]
  readonly taken: string[]
}

/** Upstream answers everything with this, in chunks of so many octets. */
function tap(text: string, chunkBytes: number, status = 200): Tapped {
  const octets = Buffer.from(text)
  const begun: string[] = []
  const taken: string[] = []
  const answer = (): ReadableStream<Uint8Array> => {
    let at = 0
    return new ReadableStream({
      pull: (controller) => {
        if (at >= octets.length) return controller.close()
        controller.enqueue(new Uint8Array(octets.subarray(at, at + chunkBytes)))
        at += chunkBytes
      },
    })
  }
  const made = createUpstreamTap(async () => new Response(answer(), { status }), {
    begin: ({ epoch: of, seq }) => void begun.push(`${of}:${seq}`),
    take: (event, { checkpoint }) => {
      assert.ok(event.toString().includes(checkpoint))
      taken.push(event.toString())
    },
  })
  return { ...made, begun, taken }
}

const read = async ({ fetch }: UpstreamTap, url: string, accept: string): Promise<string> =>
  (await fetch(url, { headers: { accept } })).text()

test('however a stream is cut on its way, each event is seen as it came, and the verifier gets all of it', async () => {
  const text = `: hello\n\n${eventOf('one')}event: other\ndata: x\n\n\n${eventOf('two')}${eventOf('cut off').trimEnd()}`
  for (const chunkBytes of [1, 2, 3, 7, 64, text.length]) {
    const tapped = tap(text, chunkBytes)
    const got = await read(tapped, streamAt(`${epoch}:7`), 'text/event-stream')
    assert.equal(got, text)
    assert.deepEqual(tapped.begun, [`${epoch}:7`])
    assert.equal(tapped.taken.length, 2, `chunks of ${chunkBytes}`)
    assert.equal(tapped.taken[0], eventOf('one'))
    assert.ok(tapped.taken[1]?.endsWith(eventOf('two')))
  }
})

test('an event that is too long is not kept, and those behind it are seen again', async () => {
  const text = `${eventOf('long', 2_000_000)}${eventOf('behind')}`
  const tapped = tap(text, 100_000)
  await read(tapped, streamAt(`${epoch}:7`), 'text/event-stream')
  assert.deepEqual(tapped.taken, [eventOf('behind')])
})

test('nothing else is looked into, and a snapshot tells where snapshots are', async () => {
  const refused = tap(eventOf('one'), 64, 503)
  await read(refused, streamAt(`${epoch}:7`), 'text/event-stream')
  const other = tap(eventOf('one'), 64)
  await read(other, streamAt(`${epoch}:7`), 'application/json')
  for (const { begun, taken, snapshotAddress } of [refused, other]) {
    assert.deepEqual([begun, taken, snapshotAddress()], [[], [], undefined])
  }
  await read(other, snapshot, 'application/octet-stream')
  assert.equal(other.snapshotAddress(), snapshot)
})
