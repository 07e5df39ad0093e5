import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { Server } from 'node:tls'
import { createLog, tellOfFailedHandshakes } from '../src/index.ts'
import { keepLines } from './kept-lines.ts'

test('why handshakes fail is in the log, and of each kind once in ten seconds', () => {
  const lines: string[] = []
  const log = createLog({ name: 'gateway', level: 'debug', destination: keepLines(lines) })
  const server = new Server()
  let nowMs = 0
  tellOfFailedHandshakes(server, log, () => nowMs)
  const fail = (code: string): boolean =>
    EventEmitter.prototype.emit.call(server, 'tlsClientError', Object.assign(new Error(), { code }))
  for (let time = 0; time < 100; time += 1) {
    fail('ERR_SSL_HTTP_REQUEST')
    fail('ERR_SSL_UNSUPPORTED_PROTOCOL')
    fail('ECONNRESET')
  }
  const told = (): readonly unknown[] =>
    lines.map((line) => {
      const { level, code } = JSON.parse(line) as Readonly<Record<string, unknown>>
      return [level, code]
    })
  const [debug, info] = [20, 30]
  const both = [
    [info, 'ERR_SSL_HTTP_REQUEST'],
    [debug, 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
  ]
  assert.deepEqual(told(), both)
  nowMs = 9999
  fail('ERR_SSL_HTTP_REQUEST')
  assert.deepEqual(told(), both)
  nowMs = 10_000
  fail('ERR_SSL_HTTP_REQUEST')
  assert.deepEqual(told(), [...both, both[0]])
})
