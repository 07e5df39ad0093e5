import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessTokenSeconds, startRunningIssuer } from './running-issuer.ts'
import { signIn } from './signing-in.ts'
import type { Fate } from './wire.ts'

const revocation = { epoch: 'Zm9v', seq: 12 }
const ended: Fate = { status: 200, body: { revocation } }

test('a logout shows the access token and answers where the log stands', async (t) => {
  const running = await startRunningIssuer(t)
  for (const path of ['/logout', '/logout/everywhere']) {
    const { client, store } = await signIn(running)
    const token = await client.accessToken()
    running.wire.decideNext(ended)
    const end = path === '/logout' ? client.logout : client.logoutEverywhere
    assert.deepEqual(await end(), revocation)
    const [seen] = running.wire.seenAt(path)
    assert.deepEqual([seen?.method, seen?.headers['authorization']], ['POST', `Bearer ${token}`])
    assert.equal(store.kept(), undefined)
    await assert.rejects(end(), { code: 'signed-out' })
    await assert.rejects(client.accessToken(), { code: 'signed-out' })
  }
})

test('with a dead access token the refresh token is shown, and nothing is refreshed for it', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const { refreshToken } = store.kept() ?? {}
  running.clock.advanceSeconds(accessTokenSeconds)
  running.wire.decideNext(ended)
  assert.deepEqual(await client.logout(), revocation)
  const [seen] = running.wire.seenAt('/logout')
  assert.deepEqual(JSON.parse(seen?.body ?? ''), { refresh_token: refreshToken })
  assert.equal(seen?.headers['authorization'], undefined)
  assert.equal(running.wire.seenAt('/token').length, 0)
})

test('an access token that is turned down is no obstacle', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  running.wire.decideNext({ status: 401, body: { code: 'invalid-token' } }, ended)
  assert.deepEqual(await client.logout(), revocation)
  assert.equal(running.wire.seenAt('/logout').length, 2)
})

test('the session is gone from here also when the issuer is down', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  await running.wire.cut()
  const end = client.logout()
  await assert.rejects(end, { code: 'issuer-unreachable', message: /ECONN/ })
  assert.equal(store.kept(), undefined)
  assert.equal(await client.isSignedIn(), false)
})

test('it is gone before the request is sent', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  let keptThen: unknown = 'not asked'
  running.wire.decide(() => {
    keptThen = store.kept()
    return ended
  })
  await client.logout()
  assert.equal(keptThen, undefined)
})

test('a lost answer is asked for again, and a session that is over by then counts as signed out', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const over: Fate = { status: 401, body: { code: 'invalid-token' } }
  running.wire.decideNext('lose-request', over, over)
  await assert.rejects(client.logout(), { code: 'signed-out', status: 401 })
})

test('a refresh that is under way does not bring the session back', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const answered = Promise.withResolvers<Fate>()
  const asked = Promise.withResolvers<undefined>()
  running.wire.decide(({ path }) => {
    if (path !== '/token') return ended
    asked.resolve(undefined)
    return answered.promise
  })
  const refreshed = assert.rejects(client.refresh(), { code: 'signed-out' })
  await asked.promise
  const out = client.logout()
  answered.resolve('through')
  await Promise.all([refreshed, out])
  assert.equal(store.kept(), undefined)
})
