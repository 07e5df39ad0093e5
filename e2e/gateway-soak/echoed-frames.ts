import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** RFC 6455 section 1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export function switchingTo({ headers }: IncomingMessage): string {
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key'] ?? ''}${acceptSuffix}`)
    .digest('base64')
  return (
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\nX-Told-Subject: ${String(headers['x-auth-subject'])}\r\n\r\n`
  )
}

const closing = 8

/** Sends each frame back as it came, without its mask (RFC 6455 section 5.2); a close frame is the last one. */
export function echoFrames(socket: Socket): void {
  let waiting = Buffer.alloc(0)
  socket.once('end', () => socket.end())
  socket.on('data', (octets: Buffer) => {
    waiting = Buffer.concat([waiting, octets])
    for (;;) {
      const frame = firstFrame(waiting)
      if (frame === undefined) return
      waiting = waiting.subarray(frame.octets)
      socket.write(unmasked(frame))
      if (frame.opcode === closing) socket.end()
    }
  })
}

interface Frame {
  readonly opcode: number
  readonly payload: Buffer
  /** Of the whole frame. */
  readonly octets: number
}

function firstFrame(waiting: Buffer): Frame | undefined {
  if (waiting.length < 2) return undefined
  const opcode = waiting.readUInt8(0) & 0x0f
  const short = waiting.readUInt8(1) & 0x7f
  const lengthOctets = short < 126 ? 0 : short === 126 ? 2 : 8
  const payloadAt = 2 + lengthOctets + 4
  if (waiting.length < payloadAt) return undefined
  const length =
    short < 126 ? short : waiting.readUIntBE(lengthOctets === 2 ? 2 : 4, lengthOctets === 2 ? 2 : 6)
  if (waiting.length < payloadAt + length) return undefined
  const mask = waiting.subarray(payloadAt - 4, payloadAt)
  const payload = Buffer.from(waiting.subarray(payloadAt, payloadAt + length))
  for (let at = 0; at < length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0)
  return { opcode, payload, octets: payloadAt + length }
}

function unmasked({ opcode, payload }: Frame): Buffer {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head.writeUInt8(0x80 | opcode, 0)
  head.writeUInt8(length < 126 ? length : length < 65_536 ? 126 : 127, 1)
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeUIntBE(length, 4, 6)
  return Buffer.concat([head, payload])
}
