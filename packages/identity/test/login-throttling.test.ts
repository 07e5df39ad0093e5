import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, jsonLogin, startRunningIdentity } from './running-identity.ts'
import {
  assertProblem,
  bob,
  call,
  eventKinds,
  refreshWith,
  signIn,
  signInHere,
} from './signed-in.ts'

const freeTries = 3

async function start(
  t: TestContext,
  loginProtection: object = { freeTries },
): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({ accounts: [alice, bob], file: { loginProtection } })
  t.after(identity.close)
  return identity
}

function guess(
  identity: RunningIdentity,
  identifier = alice.identifier,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const question = jsonLogin(JSON.stringify({ identifier, password: 'a wrong one' }))
  return identity.ask({ ...question, headers: { ...question.headers, ...headers } })
}

function login(identity: RunningIdentity, { identifier, password } = alice): Promise<Answer> {
  return identity.login({ identifier, password })
}

async function useUpTries(identity: RunningIdentity, identifier?: string): Promise<void> {
  for (let n = 0; n < freeTries; n += 1) {
    assertProblem(await guess(identity, identifier), 401, 'bad-credentials')
  }
}

function assertThrottled(answer: Answer, seconds: number): void {
  assertProblem(answer, 429, 'throttled')
  assert.equal(answer.headers['retry-after'], String(seconds))
}

test('too many wrong passwords are a 429 with Retry-After, for whatever account', async (t) => {
  const identity = await start(t)
  const bodies = []
  for (const identifier of [alice.identifier, 'nobody', 'not an identifier']) {
    await useUpTries(identity, identifier)
    const answer = await guess(identity, identifier)
    assertThrottled(answer, 1)
    assert.equal(answer.headers['www-authenticate'], undefined)
    bodies.push(answer.body)
  }
  assert.equal(new Set(bodies).size, 1)
  assertThrottled(await login(identity), 1)
  identity.clock.advanceMs(1000)
  await signIn(identity)
})

test('no header moves a guess to another network (CVE-2024-47070)', async (t) => {
  const identity = await start(t)
  const names = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'true-client-ip', 'client-ip']
  const answers = []
  for (const [n, name] of names.entries()) {
    const address = `192.0.2.${n}`
    const value = name === 'forwarded' ? `for=${address}` : address
    answers.push((await guess(identity, alice.identifier, { [name]: value })).status)
  }
  assert.deepEqual(answers, [401, 401, 401, 429, 429])
  const networks = await identity.query("SELECT key FROM login_counters WHERE counter = 'network'")
  assert.equal(networks.length, 1)
})

test('a delay survives a restart, and stops neither tokens nor a refresh', async (t) => {
  const first = await startRunningIdentity({ file: { loginProtection: { freeTries } } })
  t.after(() => first.close())
  const { access, refresh } = await signInHere(first)
  await useUpTries(first)
  const second = await first.restart()
  t.after(() => second.close())
  assertThrottled(await login(second), 1)
  assert.equal((await call(second, 'GET /sessions', { token: access })).status, 200)
  assert.equal((await refreshWith(second, refresh)).status, 200)
})

// ASVS 6.3.4: whichever route it is shown to.
test('the current password is no other way to guess (CVE-2018-14657)', async (t) => {
  const identity = await start(t)
  const { access: token } = await signInHere(identity)
  const ways = [
    (current: string) => ['POST /account/password', { current, new: 'a long enough one' }] as const,
    (password: string) => ['POST /account/reauthenticate', { password }] as const,
    (password: string) => ['DELETE /account', { password }] as const,
  ]
  assert.equal(ways.length, freeTries)
  for (const way of ways) {
    const [route, body] = way('a wrong one')
    assertProblem(await call(identity, route, { token, body }), 401, 'bad-credentials')
  }
  for (const way of ways) {
    const [route, body] = way(alice.password)
    assertThrottled(await call(identity, route, { token, body }), 1)
  }
  assertThrottled(await login(identity), 1)
  assert.equal((await login(identity, bob)).status, 200)
})

test('the log and the events tell that there was an attack, and not on whom by name', async (t) => {
  const identity = await start(t)
  await useUpTries(identity)
  assertThrottled(await guess(identity), 1)
  assertThrottled(await guess(identity), 1)
  assert.deepEqual(await eventKinds(identity), ['login-throttled'])
  const lines = identity.logged().split('\n')
  const throttled = lines.filter((line) => line.includes('"outcome":"throttled"'))
  assert.equal(throttled.length, 2)
  for (const line of throttled) assert.match(line, /"counter":"strangers","counterId":"[\w-]{8}"/)
  assert.equal(lines.filter((line) => line.includes('further tries are delayed')).length, 1)
  assert.doesNotMatch(identity.logged(), /alice|"127\.0\.0\.1"|a wrong one/)
})

test('when strangers have used up their share, more of them are told to come back', async (t) => {
  const identity = await start(t, { strangerTriesPerMinute: 2 })
  for (const identifier of ['one', 'two']) {
    assertProblem(await guess(identity, identifier), 401, 'bad-credentials')
  }
  for (const identifier of ['three', alice.identifier]) {
    const answer = await guess(identity, identifier)
    assertProblem(answer, 503, 'overloaded')
    assert.equal(answer.headers['retry-after'], '30')
  }
  assert.match(identity.logged(), /strangers have to wait/)
  identity.clock.advanceMs(30_000)
  await signIn(identity)
  await signIn(identity)
})

test('guesses without limit have to be asked for by name, and are said at every start', async (t) => {
  const identity = await start(t, { freeTries: 1, dangerouslyUnlimitedGuesses: true })
  for (let n = 0; n < 3; n += 1) {
    assertProblem(await guess(identity), 401, 'bad-credentials')
  }
  assert.match(identity.logged(), /dangerouslyUnlimitedGuesses is set/)
})
