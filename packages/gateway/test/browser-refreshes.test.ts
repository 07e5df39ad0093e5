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
      tryClient: unused,
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
    await refresh(memory.currentOf(token), 'orders', {
      address: '::1',
      userAgent: undefined,
      correlation: {},
    })
    return asked.at(-1)?.attempt
  }
  for (let at = 0; at < 5000; at += 1) await ask(`made up ${at}`)
  assert.equal(asked.length, 5000)
  assert.equal(await ask('good'), await ask('good'))
})

test('one network with many made-up cookies leaves others their place at identity', async () => {
  const memory = createSessionMemory(1000, Date.now)
  const answers: (() => void)[] = []
  const refresh = createRefreshes({
    issuer: {
      login: unused,
      logout: unused,
      tryClient: unused,
      refresh: () =>
        new Promise((resolve) => {
          answers.push(() => resolve({ kind: 'ended' }))
        }),
    },
    memory,
    count: () => undefined,
    log: createLog({ name: 'gateway', level: 'silent' }),
    now: Date.now,
  })
  const ask = async (token: string, address: string): Promise<string> => {
    const person = { address, userAgent: undefined, correlation: {} }
    return (await refresh(memory.currentOf(token), 'orders', person)).kind
  }
  const many = Array.from({ length: 600 }, (_, at) => ask(`made up ${at}`, `2001:db8::${at}`))
  const other = ask('good', '192.0.2.1')
  assert.equal(answers.length, 129)
  for (const answer of answers) answer()
  assert.equal(await other, 'ended')
  const kinds = await Promise.all(many)
  assert.equal(kinds.filter((kind) => kind === 'unavailable').length, 600 - 128)
  answers.length = 0
  void ask('later', '2001:db8::1')
  assert.equal(answers.length, 1)
})

test('an audience that identity refuses a session is not asked for again for ten seconds', async () => {
  let nowMs = 0
  const memory = createSessionMemory(10, () => nowMs)
  const asked: string[] = []
  const refresh = createRefreshes({
    issuer: {
      login: unused,
      logout: unused,
      tryClient: unused,
      refresh: async ({ audience }) => {
        asked.push(audience)
        return { kind: 'refused', why: 'invalid_target' }
      },
    },
    memory,
    count: () => undefined,
    log: createLog({ name: 'gateway', level: 'silent' }),
    now: () => nowMs,
  })
  const person = { address: '::1', userAgent: undefined, correlation: {} }
  for (const [atMs, audience] of [
    [0, 'orders'],
    [9999, 'orders'],
    [9999, 'reviews'],
    [10_000, 'orders'],
  ] as const) {
    nowMs = atMs
    assert.equal((await refresh(memory.currentOf('good'), audience, person)).kind, 'refused')
  }
  assert.deepEqual(asked, ['orders', 'reviews', 'orders'])
})
