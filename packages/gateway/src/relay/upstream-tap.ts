import { Buffer } from 'node:buffer'
import { frameEvent, parseFrame, parsePosition } from '@portcullis/protocol/revocations'
import type { Fetch } from '@portcullis/verify'
import type { RelayedFeed } from './relayed-feed.ts'

/** A `fetch` for the verifier that follows upstream: what its stream brings is seen as it comes. */
export interface UpstreamTap {
  readonly fetch: Fetch
  /** Where the verifier has had its last snapshot from; undefined before the first. */
  readonly snapshotAddress: () => string | undefined
}

/** As much as followers take. */
const eventBytesMax = 1024 * 1024

export function createUpstreamTap(
  fetch: Fetch,
  feed: Pick<RelayedFeed, 'begin' | 'take'>,
): UpstreamTap {
  let snapshotAddress: string | undefined
  return {
    fetch: async (address, init) => {
      const response = await fetch(address, init)
      if (response.status !== 200) return response
      const accept = new Headers(init.headers).get('accept')
      if (accept === 'application/octet-stream') snapshotAddress = address
      const after = parsePosition(new URL(address).searchParams.get('after') ?? '')
      if (accept !== 'text/event-stream' || after === undefined || response.body === null) {
        return response
      }
      feed.begin(after)
      const events = createEventCutter((event) => {
        const data = dataOf(event)
        const frame = data === undefined ? undefined : parseFrame(data)
        if (frame !== undefined) feed.take(event, frame)
      })
      return new Response(observed(response.body, events), { headers: response.headers })
    },
    snapshotAddress: () => snapshotAddress,
  }
}

/** The verifier's pace is that of the stream: what it does not read is not asked for. */
function observed(
  body: ReadableStream<Uint8Array>,
  see: (chunk: Uint8Array) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await reader.read()
      if (done) {
        controller.close()
        return
      }
      see(value)
      controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

/** Identity and relays end each line of theirs with a line feed alone, and each event with an empty line. */
const eventEnd = Buffer.from('\n\n')

function createEventCutter(take: (event: Buffer) => void): (chunk: Uint8Array) => void {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    const begin = Math.max(0, pending.length - 1)
    pending = Buffer.concat([pending, chunk])
    let end = pending.indexOf(eventEnd, begin)
    while (end !== -1) {
      take(pending.subarray(0, end + eventEnd.length))
      pending = pending.subarray(end + eventEnd.length)
      end = pending.indexOf(eventEnd)
    }
    // The verifier leaves such a stream.
    if (pending.length > eventBytesMax) pending = Buffer.alloc(0)
  }
}

function dataOf(event: Buffer): string | undefined {
  const lines = event.toString('latin1').split('\n')
  if (!lines.includes(`event: ${frameEvent}`)) return undefined
  return lines.find((line) => line.startsWith('data: '))?.slice('data: '.length)
}
