import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import {
  array,
  assert as check,
  boolean,
  constantFrom,
  nat,
  oneof,
  property,
  tuple,
} from 'fast-check'
import { closeFrame, createFramePosition } from '../src/websocket/frames.ts'

function frame(payloadBytes: number, isMasked: boolean, opcode: number = 2): Buffer {
  const length =
    payloadBytes < 126
      ? Buffer.from([payloadBytes])
      : payloadBytes < 65_536
        ? Buffer.from([126, payloadBytes >> 8, payloadBytes & 255])
        : Buffer.from([
            127,
            0,
            0,
            0,
            0,
            0,
            payloadBytes >> 16,
            (payloadBytes >> 8) & 255,
            payloadBytes & 255,
          ])
  if (isMasked) length[0] = (length[0] ?? 0) | 0x80
  const mask = Buffer.alloc(isMasked ? 4 : 0, 7)
  return Buffer.concat([
    Buffer.from([0x80 | opcode]),
    length,
    mask,
    Buffer.alloc(payloadBytes, 0x88),
  ])
}

const sizes = oneof(nat(130), constantFrom(65_535, 65_536, 70_000))

test('however frames are cut into pieces, it is known where another may begin', () => {
  let wholes = 0
  check(
    property(
      array(tuple(sizes, boolean()), { minLength: 1, maxLength: 5 }),
      array(nat(200_000), { maxLength: 8 }),
      (shapes, cuts) => {
        const frames = shapes.map(([bytes, isMasked]) => frame(bytes, isMasked))
        const all = Buffer.concat(frames)
        const ends = new Set<number>([0])
        frames.reduce((end, { length }) => {
          ends.add(end + length)
          return end + length
        }, 0)
        const position = createFramePosition()
        let at = 0
        for (const cut of [...cuts.map((value) => value % all.length), ...ends].toSorted(
          (a, b) => a - b,
        )) {
          position.note(all.subarray(at, cut))
          at = cut
          assert.equal(position.mayBeginFrame(), ends.has(at), `after ${at} octets`)
          if (ends.has(at)) wholes += 1
        }
      },
    ),
  )
  assert.ok(wholes > 100)
})

test('nothing follows a close frame', () => {
  const position = createFramePosition()
  position.note(frame(0, false))
  assert.equal(position.mayBeginFrame(), true)
  position.note(closeFrame(1001, 'idle'))
  assert.equal(position.mayBeginFrame(), false)
})

test('a close frame is what RFC 6455 says', () => {
  assert.equal(
    closeFrame(3000, 'revoked').toString('hex'),
    `88090bb8${Buffer.from('revoked').toString('hex')}`,
  )
})
