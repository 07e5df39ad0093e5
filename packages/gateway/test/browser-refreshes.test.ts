import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '@portcullis/runtime'
import type { RefreshRequest } from '../src/browser/issuer-sessions.ts'
import { createRefreshes } from '../src/browser/refreshes.ts'
import { createSessionMemory } from '../src/browser/session-memory.ts'

const unused = (): never => assert.fail()

test('many cookies that come while identity is away take from no later one the attempt that is repeated', async () => {
  const asked: RefreshRequest[] = []
  let nowMs = 0
  const now = (): number => nowMs
  const memory = createSessionMemory(10, now)
  const refresh = createRefreshes({
    issuer: {
      login: unused,
      logout: unused,
      refresh: async (request) => {
        asked.push(request)
        return { kind: 'unavailable', why: 'it is away', retryAfterSeconds: undefined }
      },
    },
    memory,
    count: () => undefined,
    log: createLog({ name: 'gateway', level: 'silent' }),
    now,
  })
  const ask = async (token: string): Promise<unknown> => {
    nowMs += 5000
    await refresh(memory.currentOf(token), 'orders', { address: '::1', userAgent: undefined })
    return asked.at(-1)?.attempt
  }
  for (let at = 0; at < 5000; at += 1) await ask(`made up ${at}`)
  assert.equal(asked.length, 5000)
  assert.equal(await ask('good'), await ask('good'))
})
