import { Buffer } from 'node:buffer'

/** Follows the frames of a WebSocket (RFC 6455 section 5.2) without reading what is in them. */
export interface FramePosition {
  /** Takes what was sent next. */
  readonly note: (octets: Uint8Array) => void
  /** True where another frame can begin, and may: nothing follows a close frame. */
  readonly mayBeginFrame: () => boolean
}

const closeOpcode = 0x8

/** A control frame may stand between any two others, also between the pieces of one message. */
export function createFramePosition(): FramePosition {
  let header: number[] = []
  let payloadBytes = 0
  let isClosed = false

  function takeHeaderOctet(octet: number): void {
    header.push(octet)
    const [first = 0, second = 0] = header
    if (header.length < headerBytesOf(second, header.length)) return
    isClosed ||= (first & 0x0f) === closeOpcode
    payloadBytes = payloadBytesOf(header)
    header = []
  }

  return {
    note: (octets) => {
      let at = 0
      while (at < octets.length) {
        if (payloadBytes > 0) {
          const skipped = Math.min(payloadBytes, octets.length - at)
          payloadBytes -= skipped
          at += skipped
        } else {
          takeHeaderOctet(octets[at] ?? 0)
          at += 1
        }
      }
    },
    mayBeginFrame: () => header.length === 0 && payloadBytes === 0 && !isClosed,
  }
}

/** A close frame as a server sends it (RFC 6455 section 5.5.1). The reason is short and ASCII. */
export function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + reason.length)
  payload.writeUInt16BE(code)
  payload.write(reason, 2, 'latin1')
  return Buffer.concat([Buffer.from([0x80 | closeOpcode, payload.length]), payload])
}

const shortHeaderBytes = 2
const maskBytes = 4

function headerBytesOf(second: number, bytesSeen: number): number {
  if (bytesSeen < shortHeaderBytes) return shortHeaderBytes
  return shortHeaderBytes + lengthBytesOf(second) + ((second & 0x80) === 0 ? 0 : maskBytes)
}

function lengthBytesOf(second: number): number {
  const length = second & 0x7f
  return length === 127 ? 8 : length === 126 ? 2 : 0
}

function payloadBytesOf(header: readonly number[]): number {
  const [, second = 0] = header
  const lengthBytes = lengthBytesOf(second)
  if (lengthBytes === 0) return second & 0x7f
  const octets = header.slice(shortHeaderBytes, shortHeaderBytes + lengthBytes)
  return octets.reduce((bytes, octet) => bytes * 256 + octet, 0)
}
