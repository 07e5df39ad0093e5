import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalLock } from '../src/session-lock.ts'
import { accessTokenSeconds, alice, startRunningIssuer } from './running-issuer.ts'
import { clientOf, createSlowStore, signIn } from './signing-in.ts'

test('two clients over one store and one lock refresh once, and agree', async (t) => {
  const running = await startRunningIssuer(t)
  const shared = { store: createSlowStore(), lock: createLocalLock() }
  const [one, other] = [clientOf(running, shared), clientOf(running, shared)]
  await one.login(alice)
  assert.equal(await other.isSignedIn(), true)
  running.clock.advanceSeconds(accessTokenSeconds)
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).accessToken()),
  )
  assert.equal(new Set(tokens).size, 1)
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('the default lock is one for all who share a store, wherever there are Web Locks', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  running.clock.advanceSeconds(accessTokenSeconds)
  const tokens = await Promise.all([
    client.accessToken(),
    clientOf(running, { store }).accessToken(),
  ])
  assert.equal(new Set(tokens).size, 1)
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('two clients without a common lock still end with one family', async (t) => {
  const running = await startRunningIssuer(t)
  const { store } = await signIn(running, { lock: createLocalLock() })
  const clients = [1, 2, 3].map(() => clientOf(running, { store, lock: createLocalLock() }))
  for (let round = 0; round < 3; round += 1) {
    running.clock.advanceSeconds(accessTokenSeconds)
    await Promise.all(clients.map((client) => client.accessToken()))
  }
  assert.equal(running.countSessions(), 1)
  assert.equal(await clients[0]?.isSignedIn(), true)
})

test('a session of another issuer or client, or no session at all, counts as none', async (t) => {
  const running = await startRunningIssuer(t)
  const { store } = await signIn(running)
  const kept = store.kept()
  const foreign: readonly unknown[] = [
    { ...kept, issuer: 'https://id.example' },
    { ...kept, clientId: 'other' },
    { ...kept, accessToken: undefined },
    { ...kept, accessToken: { ...kept?.accessToken, expiresAtMs: '1' } },
    // It could not stand in a header, and the error about that would repeat it.
    { ...kept, accessToken: { ...kept?.accessToken, token: 'one\r\nx-more: two' } },
    'text',
    null,
  ]
  for (const session of foreign) {
    const read = async (): Promise<typeof kept> => session as typeof kept
    const client = clientOf(running, { store: { read, write: store.write } })
    await assert.rejects(client.accessToken(), { code: 'signed-out' })
  }
  assert.equal(running.wire.seenAt('/token').length, 0)
})

test('a login in another tab is waited out by a refresh, which then serves the new session', async (t) => {
  const running = await startRunningIssuer(t)
  const shared = { store: createSlowStore(), lock: createLocalLock() }
  const [one, other] = [clientOf(running, shared), clientOf(running, shared)]
  await one.login(alice)
  running.clock.advanceSeconds(accessTokenSeconds)
  const [, { sessionId }] = await Promise.all([one.accessToken(), other.login(alice)])
  assert.equal(shared.store.kept()?.sessionId, sessionId)
  assert.equal(await one.accessToken(), shared.store.kept()?.accessToken.token)
})

test('jobs under one name run one after the other, also after one that failed', async () => {
  const lock = createLocalLock()
  const steps: string[] = []
  const job = (name: string) => async (): Promise<string> => {
    steps.push(`${name} begins`)
    await Promise.resolve()
    steps.push(`${name} ends`)
    if (name === 'a') throw new Error('a fails')
    return name
  }
  const runs = [lock('x', job('a')), lock('x', job('b')), lock('y', job('c'))]
  const outcomes = await Promise.allSettled(runs)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  assert.ok(steps.indexOf('b begins') > steps.indexOf('a ends'))
  assert.ok(steps.indexOf('c begins') < steps.indexOf('a ends'), 'another name does not wait')
})
