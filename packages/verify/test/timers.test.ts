import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { wireVerifier } from '../src/issuer-verifier.ts'
import { createStateFile } from '../src/revocation/state-file.ts'
import { createIssuerDocuments } from '../src/issuer/documents.ts'
import { parseOptions } from '../src/options.ts'
import type { Timers } from '../src/timers.ts'
import { pause, processTimers } from '../src/timers.ts'

const issuer = 'https://id.example'

test('a verifier that is wired to another time waits by that alone', async (t) => {
  let nowMs = 0
  let requests = 0
  const scheduled = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  const timers: Timers = {
    ...processTimers,
    monotonic: () => nowMs,
    random: () => 0.5,
    schedule: (callback, ms) => {
      const entry = { atMs: nowMs + ms, callback }
      scheduled.add(entry)
      return () => void scheduled.delete(entry)
    },
  }
  const settings = parseOptions({
    issuer,
    audience: 'orders',
    now: () => nowMs,
    fetch: async () => {
      requests += 1
      throw new Error('the issuer is down')
    },
  })
  const verifier = wireVerifier(settings, {
    timers,
    documentsOf: createIssuerDocuments,
    stateFileOf: createStateFile,
  })
  t.after(verifier.close)
  await assert.rejects(verifier.ready())
  await setImmediate()
  const requestsAtFirst = requests
  assert.ok(requestsAtFirst > 0)
  for (let second = 1; second <= 60; second += 1) {
    nowMs = second * 1000
    for (const entry of [...scheduled].filter(({ atMs }) => atMs <= nowMs)) {
      scheduled.delete(entry)
      entry.callback()
    }
    await setImmediate()
  }
  // By real time there was none for a second request.
  assert.ok(requests - requestsAtFirst > 10, `${requests - requestsAtFirst} in a minute`)
})

test('a pause ends when its signal aborts, and leaves nothing behind', async (t) => {
  // Timers of ours keep no process alive, and here nothing else would.
  const alive = setInterval(() => undefined, 1_000)
  t.after(() => clearInterval(alive))
  const controller = new AbortController()
  const { signal } = controller
  await pause(processTimers, 1, signal)
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
  const long = pause(processTimers, 3_600_000, signal)
  controller.abort()
  await long
  await pause(processTimers, 3_600_000, signal)
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})
