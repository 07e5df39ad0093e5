import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pipeInTurns } from '../src/websocket/pipe-in-turns.ts'

const pieceBytes = 64 * 1024

/** Has as much at once as it is asked for, as a connection that a lot has piled up in. */
function fullSource(pieces: number): Duplex {
  let left = pieces
  return new Duplex({
    readableHighWaterMark: pieceBytes,
    read() {
      left -= 1
      this.push(left < 0 ? null : Buffer.alloc(pieceBytes))
    },
    write: (_chunk, _encoding, callback) => callback(),
  })
}

interface Sink {
  readonly stream: Duplex
  readonly taken: () => number
  readonly unblock: () => void
}

/** Takes everything at once, or nothing more after the first piece until it is unblocked. */
function sink(isBlocked: boolean): Sink {
  let taken = 0
  let waiting: (() => void) | undefined
  const stream = new Duplex({
    writableHighWaterMark: pieceBytes,
    read: () => undefined,
    write: (chunk: Buffer, _encoding, callback) => {
      taken += chunk.length
      if (isBlocked) waiting = callback
      else callback()
    },
  })
  const unblock = (): void => {
    isBlocked = false
    waiting?.()
  }
  return { stream, taken: () => taken, unblock }
}

test('a connection that is full passes a piece a turn, and everything in the end', async () => {
  const { stream, taken } = sink(false)
  pipeInTurns(fullSource(40), stream)
  let turns = 0
  for (let before = 0; taken() < 40 * pieceBytes; before = taken(), turns += 1) {
    assert.ok(turns < 200)
    await setImmediate()
    assert.ok(taken() - before <= 2 * pieceBytes, `${taken() - before} octets in one turn`)
  }
  assert.ok(turns >= 20)
})

test('one that takes nothing more is not written to, however many turns pass', async () => {
  const { stream, taken, unblock } = sink(true)
  pipeInTurns(fullSource(40), stream)
  for (let turns = 0; turns < 50; turns += 1) await setImmediate()
  assert.ok(taken() <= pieceBytes)
  assert.ok(stream.writableLength <= 2 * pieceBytes, `${stream.writableLength} octets wait`)
  unblock()
  for (let turns = 0; turns < 200; turns += 1) await setImmediate()
  assert.equal(taken(), 40 * pieceBytes)
})
