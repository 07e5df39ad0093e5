import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerSentEvent } from '../src/revocation/server-sent-events.ts'
import { readEvents } from '../src/revocation/server-sent-events.ts'

async function* inChunks(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function eventsIn(chunks: AsyncIterable<Uint8Array>): Promise<readonly ServerSentEvent[]> {
  const events: ServerSentEvent[] = []
  for await (const some of readEvents(chunks)) events.push(...some)
  return events
}

const streams: readonly (readonly [string, string, readonly ServerSentEvent[]])[] = [
  ['a name and data', 'event: a\ndata: 1\n\n', [{ name: 'a', data: '1' }]],
  ['no name', 'data: 1\n\n', [{ name: 'message', data: '1' }]],
  ['several lines of data', 'data: 1\ndata: 2\n\n', [{ name: 'message', data: '1\n2' }]],
  ['no space behind the colon', 'event:a\ndata:1\n\n', [{ name: 'a', data: '1' }]],
  ['two spaces behind the colon', 'data:  1\n\n', [{ name: 'message', data: ' 1' }]],
  ['a field without a colon', 'data\n\n', [{ name: 'message', data: '' }]],
  [
    'comments and unknown fields',
    ': hello\nid: 7\nretry: 9\nx: y\ndata: 1\n\n',
    [{ name: 'message', data: '1' }],
  ],
  ['a name without data', 'event: a\n\ndata: 1\n\n', [{ name: 'message', data: '1' }]],
  ['carriage returns', 'event: a\rdata: 1\r\r', [{ name: 'a', data: '1' }]],
  ['both line ends', 'event: a\r\ndata: 1\r\n\r\n', [{ name: 'a', data: '1' }]],
  ['a byte order mark', '\ufeffdata: 1\n\n', [{ name: 'message', data: '1' }]],
  ['letters of several octets', 'data: é€😀\n\n', [{ name: 'message', data: 'é€😀' }]],
  ['no end of the last event', 'data: 1\n\ndata: 2\n', [{ name: 'message', data: '1' }]],
  ['nothing', '', []],
]
for (const [what, text, events] of streams) {
  test(`an event stream with ${what} is read the same in chunks of any size`, async () => {
    for (const size of [1, 2, 3, 7, 1_000])
      assert.deepEqual(await eventsIn(inChunks(text, size)), events)
  })
}

test('an event without an end is given up after one mebibyte', async () => {
  let sent = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      sent += 1
      yield new TextEncoder().encode('data: x'.padEnd(65_536, 'x') + (sent % 2 === 0 ? '\n' : ''))
    }
  }
  await assert.rejects(eventsIn(endless()), { name: 'EventTooLong' })
  assert.ok(sent <= 18, `${sent} chunks`)
})
