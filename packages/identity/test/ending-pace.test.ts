import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerOf } from '../src/domain/callers.ts'
import { endOtherSessions } from '../src/domain/other-sessions.ts'
import { changePassword } from '../src/domain/password-change.ts'
import { endingPace } from '../src/domain/sessions.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { kindsOf, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { startRunningIdentity } from './running-identity.ts'
import { assertProblem, call, positionOf, signIn, signInHere, tokensOf } from './signed-in.ts'
import { accountIdOf, endEverywhere, loginWith, sessionOf } from './store-parts.ts'

async function spendAll({ parts, database }: AccountStoreParts): Promise<string> {
  const { sessionId } = await loginWith(parts)
  const { burst, refillMs } = endingPace
  const session = await sessionOf(parts, sessionId)
  await database.write('UPDATE accounts SET endings_paid_until = $1', [
    session.readAt + burst * refillMs,
  ])
  return sessionId
}

testOnEngines('who ends the others where there are none writes nothing', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, log } = store
  await loginWith(parts)
  const { sessionId } = await loginWith(parts)
  const end = async (): Promise<string> =>
    (await endOtherSessions(parts, await sessionOf(parts, sessionId))).kind
  assert.equal(await end(), 'ended')
  const { seq } = await log.head()
  assert.equal(seq, 1)
  for (let time = 0; time < 3; time += 1) assert.equal(await end(), 'ended')
  assert.equal((await log.head()).seq, seq)
  assert.deepEqual(await kindsOf(store, 'events'), ['other-sessions-ended'])
  await loginWith(parts)
  assert.equal(await end(), 'ended')
  assert.equal((await log.head()).seq, seq + 1)
})

testOnEngines(
  'sessions are ended one by one a hundred times in a row, and then once in ten seconds',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, clock, log } = store
    const { sessionId } = await loginWith(parts)
    const others = await Promise.all(
      Array.from({ length: endingPace.burst + 2 }, () => loginWith(parts)),
    )
    const caller = callerOf(await sessionOf(parts, sessionId))
    const outcomes = await Promise.all(
      others.map((other) => parts.sessions.endOwn(caller, other.sessionId)),
    )
    const count = (wanted: string): number => outcomes.filter(({ kind }) => kind === wanted).length
    assert.deepEqual([count('ended'), count('too-often')], [endingPace.burst, 2])
    assert.equal((await log.head()).seq, endingPace.burst)
    const held = others.filter((_, at) => outcomes[at]?.kind === 'too-often')
    const [first, second] = held.map((one) => one.sessionId)
    assert.ok(first !== undefined && second !== undefined)
    const late = { kind: 'too-often', retryAfterSeconds: 10 }
    assert.deepEqual(await parts.sessions.endOwn(caller, first), late)
    assert.deepEqual(await endOtherSessions(parts, await sessionOf(parts, sessionId)), late)
    clock.advanceMs(endingPace.refillMs)
    assert.equal((await parts.sessions.endOwn(caller, first)).kind, 'ended')
    assert.equal((await parts.sessions.endOwn(caller, first)).kind, 'ended', 'for nothing')
    assert.equal((await parts.sessions.endOwn(caller, second)).kind, 'too-often')
  },
)

testOnEngines(
  'what ends the own session or changes the password is never held back',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts } = store
    const own = await spendAll(store)
    await loginWith(parts)
    const session = await sessionOf(parts, own)
    assert.equal((await endOtherSessions(parts, session)).kind, 'too-often')
    const passwords = { current: 'alice-password', new: 'another long password' }
    assert.equal((await changePassword(parts, session, passwords)).kind, 'changed')
    const caller = callerOf(await sessionOf(parts, own))
    assert.equal((await parts.sessions.endOwn(caller, own)).kind, 'ended')
    await loginWith(parts, 'alice', passwords.new)
    await endEverywhere(parts, accountIdOf('alice'))
  },
)

test('too many ends of other sessions are a 429 that says when', async (t) => {
  const identity = await startRunningIdentity()
  t.after(identity.close)
  const { access } = await signInHere(identity)
  const other = await signIn(identity)
  const { burst, refillMs } = endingPace
  const until = identity.clock.now() + burst * refillMs
  await identity.query(`UPDATE accounts SET endings_paid_until = ${until}`)
  for (const route of ['POST /sessions/end-others', `DELETE /sessions/${other.sessionId}`]) {
    const answer = await call(identity, route, { token: access })
    assertProblem(answer, 429, 'throttled')
    assert.equal(answer.headers['retry-after'], '10')
  }
  identity.clock.advanceMs(refillMs)
  const ended = await call(identity, 'POST /sessions/end-others', { token: access })
  tokensOf(ended)
  positionOf(ended)
})
