import { SimulatedTrouble } from './faults.ts'
import type { Answer, Sink } from './ways.ts'

export interface SimulatedResponse {
  readonly status: number
  readonly headers: { readonly get: (name: string) => string | null }
  readonly kids: Answer['kids']
  readonly body: object
}

/** As `fetch` has it, as far as anybody looks at it. */
export function responseOf(answer: Answer, onChunk: () => void): Response {
  const { status, dateMs, kids, body } = answer
  const response: SimulatedResponse = {
    status,
    headers: { get: (name) => (name === 'date' ? dateOf(dateMs) : null) },
    kids,
    body: {
      cancel: async () =>
        body?.({ push: () => undefined, end: () => undefined, fail: () => undefined })(),
      getReader: () => readerOf(body, onChunk),
      [Symbol.asyncIterator]: async function* chunks() {
        const { read } = readerOf(body, onChunk)
        for (let part = await read(); !part.done; part = await read()) yield part.value
      },
    },
  }
  return response as unknown as Response
}

let lastDate = { second: NaN, text: '' }

/** Many are of the same second. */
function dateOf(ms: number): string {
  const second = Math.floor(ms / 1_000)
  if (second !== lastDate.second) lastDate = { second, text: new Date(ms).toUTCString() }
  return lastDate.text
}

interface Read {
  readonly done: boolean
  readonly value?: Buffer
}

function readerOf(
  body: Answer['body'],
  onChunk: () => void,
): { readonly read: () => Promise<Read>; readonly cancel: () => Promise<void> } {
  const chunks: Buffer[] = []
  let end: 'ended' | 'failed' | undefined
  let waiting:
    { readonly resolve: (read: Read) => void; readonly reject: (error: Error) => void } | undefined
  const hand = (): void => {
    if (waiting === undefined) return
    const { resolve, reject } = waiting
    const value = chunks.shift()
    if (value === undefined && end === undefined) return
    waiting = undefined
    if (value !== undefined) {
      resolve({ done: false, value })
      onChunk()
    } else if (end === 'ended') {
      resolve({ done: true })
      onChunk()
    } else {
      reject(new SimulatedTrouble('the connection was reset'))
    }
  }
  const sink: Sink = {
    push: (bytes) => {
      chunks.push(bytes)
      hand()
    },
    end: () => {
      end ??= 'ended'
      hand()
    },
    fail: () => {
      end ??= 'failed'
      hand()
    },
  }
  const stop = body?.(sink)
  if (body === undefined) end = 'ended'
  return {
    read: () =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        hand()
      }),
    cancel: async () => {
      stop?.()
      end ??= 'ended'
      hand()
    },
  }
}
