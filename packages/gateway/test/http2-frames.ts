import { Buffer } from 'node:buffer'
import type { TLSSocket } from 'node:tls'
import { openSecurely } from './tls-client.ts'

/** RFC 9113 section 6. */
export const types = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flags = { endStream: 1, ack: 1, endHeaders: 4 } as const

/** RFC 9113 section 7. */
export const errors = {
  none: 0,
  protocol: 1,
  internal: 2,
  refusedStream: 7,
  cancel: 8,
  enhanceYourCalm: 11,
} as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export function frame(
  type: number,
  flag: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flag, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header block of literals (RFC 7541 section 6.2.2), each octet as the test says it. */
export function headerBlock(...fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])),
  )
}

function text(value: string): Buffer {
  const octets = Buffer.from(value, 'latin1')
  return Buffer.concat([length(octets.length), octets])
}

/** RFC 7541 section 5.1, with a prefix of seven bits. */
function length(value: number): Buffer {
  if (value < 127) return Buffer.of(value)
  const octets = [127]
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) + 128)
  return Buffer.of(...octets, rest)
}

type Fields = Readonly<Record<string, string>>

/** The block of a GET of `/public`, with these fields beside or in place of its own; `absent` leaves one out. */
export function requestBlock(fields: Fields = {}, ...others: readonly [string, string][]): Buffer {
  const own = {
    ':method': 'GET',
    ':scheme': 'https',
    ':authority': 'shop.example',
    ':path': '/public',
  }
  const all = Object.entries({ ...own, ...fields }).filter(([, value]) => value !== 'absent')
  const [regular = [], pseudo = []] = [false, true].map((is) =>
    all.filter(([name]) => name.startsWith(':') === is),
  )
  return headerBlock(...pseudo, ...regular, ...others)
}

export interface RawConnection {
  readonly socket: TLSSocket
  readonly send: (...octets: readonly Buffer[]) => void
  /** Waits until one has come that fits, and answers it; rejects when the connection ends before. */
  readonly until: (fits: (frame: Frame) => boolean, withinMs?: number) => Promise<Frame>
  readonly frames: readonly Frame[]
  readonly closed: Promise<void>
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A connection of HTTP/2 whose frames the test writes and reads itself, after the first settings. */
export async function openRaw(
  port: number,
  settings: Buffer = Buffer.alloc(0),
): Promise<RawConnection> {
  const socket = await openSecurely(port, { ALPNProtocols: ['h2'] })
  const frames: Frame[] = []
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const look of waiting) look()
  }
  let rest = Buffer.alloc(0)
  socket.on('data', (octets: Buffer) => {
    rest = Buffer.concat([rest, octets])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const bytes = 9 + rest.readUIntBE(0, 3)
      frames.push({
        type: rest.readUInt8(3),
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5),
        payload: Buffer.from(rest.subarray(9, bytes)),
      })
      rest = rest.subarray(bytes)
    }
    wake()
  })
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve()
      wake()
    })
  })
  socket.write(Buffer.concat([preface, frame(types.settings, 0, 0, settings)]))
  return {
    socket,
    send: (...octets) => socket.write(Buffer.concat(octets)),
    frames,
    closed,
    until: async (fits, withinMs = 8000) => {
      const { promise, resolve, reject } = Promise.withResolvers<Frame>()
      let at = 0
      const look = (): void => {
        for (; at < frames.length; at += 1) {
          const one = frames[at]
          if (one !== undefined && fits(one)) return resolve(one)
        }
        if (socket.closed)
          reject(new Error(`closed after ${JSON.stringify(frames.map(described))}`))
      }
      const timer = setTimeout(() => reject(new Error('nothing came that fits')), withinMs)
      waiting.add(look)
      look()
      return promise.finally(() => {
        clearTimeout(timer)
        waiting.delete(look)
      })
    },
  }
}

function described({ type, stream, payload }: Frame): string {
  return `${type} on ${stream}: ${payload.toString('hex', 0, 12)}`
}

export function isReset(stream: number, code?: number): (frame: Frame) => boolean {
  return ({ type, stream: id, payload }) =>
    type === types.reset && id === stream && (code === undefined || payload.readUInt32BE() === code)
}

export function isGoaway(code: number): (frame: Frame) => boolean {
  return ({ type, payload }) => type === types.goaway && payload.readUInt32BE(4) === code
}

export function isEndOf(stream: number): (frame: Frame) => boolean {
  return ({ type, stream: id, flags: set }) =>
    id === stream &&
    (type === types.data || type === types.headers) &&
    (set & flags.endStream) !== 0
}
