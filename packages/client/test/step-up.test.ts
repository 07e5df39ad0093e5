import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunningIssuer } from './running-issuer.ts'
import { alice, startRunningIssuer } from './running-issuer.ts'
import { claimOf, playAccount } from './scripted-account.ts'
import { clientOf, signIn } from './signing-in.ts'
import type { Fate } from './wire.ts'

const { password } = alice

function nowSeconds({ clock }: RunningIssuer): number {
  return Math.floor(clock.now() / 1000)
}

test('a reauthentication renews when the person signed in, for this token and the next ones', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const { refreshToken, sessionId } = store.kept() ?? {}
  running.clock.advanceSeconds(600)
  await client.reauthenticate({ password })
  const steppedUpAt = nowSeconds(running)
  assert.equal(claimOf(await client.accessToken(), 'auth_time'), steppedUpAt)
  assert.equal(claimOf(await client.accessToken(), 'aud'), 'orders')
  running.clock.advanceSeconds(60)
  await client.refresh()
  assert.equal(claimOf(await client.accessToken(), 'auth_time'), steppedUpAt)
  assert.equal(store.kept()?.sessionId, sessionId)
  assert.notEqual(store.kept()?.refreshToken, refreshToken)
})

test('a wrong password is told at once, sent once, and changes nothing', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const before = await client.accessToken()
  await assert.rejects(client.reauthenticate({ password: 'guessed' }), { code: 'bad-credentials' })
  assert.equal(running.wire.seenAt('/account/reauthenticate').length, 1)
  assert.equal(await client.accessToken(), before)
  assert.ok(store.kept()?.refreshToken)
  const wrong = { password, more: 1 }
  await assert.rejects(client.reauthenticate(wrong), /unknown member "more"/)
})

test('a refresh whose answer was lost is still recognised after a reauthentication', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  await client.sessions()
  running.wire.decide(({ path }) => (path === '/token' ? 'lose-answer' : 'through'))
  await assert.rejects(client.refresh(), { code: 'issuer-unreachable' })
  const { attempt } = store.kept() ?? {}
  assert.ok(attempt)
  running.wire.decide(() => 'through')
  await client.reauthenticate({ password })
  assert.equal(store.kept()?.attempt, attempt)
  running.clock.advanceSeconds(120)
  await client.refresh()
  assert.equal(store.kept()?.attempt, undefined)
})

test('all other sessions are ended at once, and this client works on', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const { client: other } = await signIn(running)
  const before = await client.accessToken()
  const { seq } = await client.endOtherSessions()
  assert.equal(seq, 1)
  assert.notEqual(await client.accessToken(), before)
  await assert.rejects(other.refresh(), { code: 'signed-out' })
  assert.deepEqual(
    (await client.sessions()).map(({ isCurrent }) => isCurrent),
    [true],
  )
  await clientOf(running, { store }).refresh()
})

function page(id: string, next?: string): Fate {
  const time = '2026-11-22T05:00:00Z'
  const listed = { id, current: false, client: 'web', created_at: time, last_used_at: time }
  return { status: 200, body: { sessions: [listed], next } }
}

test('a list of several pages is read to its end', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  running.wire.decide(
    playAccount(running.issuer, {
      'GET /sessions': () => page('one', 'a&b'),
      'GET /sessions?after=a%26b': () => page('two', '3'),
      'GET /sessions?after=3': () => page('three'),
    }),
  )
  const sessions = await client.sessions()
  assert.deepEqual(
    sessions.map(({ id }) => id),
    ['one', 'two', 'three'],
  )
})
