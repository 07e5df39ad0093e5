import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { chunksOf, createDeadline } from '../src/revocation/deadline.ts'
import { processTimers } from '../src/timers.ts'

const idleMs = 300

/** Holds up this thread, and everything in it. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Another thread, which is not held up with this one: it answers, and says more 100 ms after that. */
const talker = `
  const { createServer } = require('node:http')
  const { parentPort } = require('node:worker_threads')
  const server = createServer((request, response) => {
    response.write('first')
    if (request.url === '/talks') setTimeout(() => response.write('more'), 100)
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

test('a process that was held up finds what came meanwhile before it gives up', async (t) => {
  const worker = new Worker(talker, { eval: true })
  t.after(() => worker.terminate())
  const [port] = (await once(worker, 'message')) as [number]
  for (const [path, isAborted] of [
    ['talks', false],
    ['is-silent', true],
  ] as const) {
    const parent = new AbortController()
    const deadline = createDeadline(parent.signal, { idleMs }, 'word', processTimers)
    const response = await fetch(`http://127.0.0.1:${port}/${path}`, { signal: deadline.signal })
    let chunks = 0
    const reading = (async () => {
      for await (const chunk of chunksOf(response, deadline.signal)) {
        assert.ok(chunk.length > 0)
        chunks += 1
        deadline.extend()
        if (chunks === 1) holdUp(2 * idleMs)
      }
    })().catch(() => undefined)
    await setTimeout(1)
    await setTimeout(idleMs / 4)
    assert.equal(deadline.signal.aborted, isAborted, path)
    assert.equal(chunks, isAborted ? 1 : 2)
    parent.abort()
    await reading
    deadline.clear()
  }
})

test('nothing within its time aborts, with the reason; so does a part of all that takes too long', async (t) => {
  const server = createServer((_request, response) => void response.write('x'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const { signal } = new AbortController()
  for (const [times, message] of [
    [{ idleMs: 50 }, 'no word within 50 ms'],
    [{ idleMs: 1_000, totalMs: 50 }, 'not all within 50 ms'],
  ] as const) {
    const deadline = createDeadline(signal, times, 'word', processTimers)
    const reading = (async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { signal: deadline.signal })
      for await (const { length } of chunksOf(response, deadline.signal)) assert.equal(length, 1)
    })()
    await assert.rejects(reading, { message })
    deadline.clear()
  }
})
