import assert from 'node:assert/strict'
import { newRandomSecret } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import {
  admin,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  isWelcome,
  refreshWith,
  signInHere,
  tokensOf,
} from './signed-in.ts'

const sessionsEach = 5
const requests = 50

interface Asked {
  readonly what: 'refresh' | 'logout' | 'password' | 'block'
  readonly session: Tokens
  readonly answer: Answer
}

/** Fifty requests at once over the sessions of one person, in every round in another mixture. */
function askAll(
  identity: RunningIdentity,
  sessions: readonly Tokens[],
  {
    token,
    current,
    next,
    round,
  }: Readonly<Record<'token' | 'current' | 'next', string>> & { round: number },
): Promise<readonly Asked[]> {
  return Promise.all(
    Array.from({ length: requests }, async (_, at): Promise<Asked> => {
      const session = sessions[at % sessionsEach] ?? assert.fail()
      const turn = Math.floor(at / sessionsEach)
      const ask = (route: string, bearer: string, body?: object): Promise<Answer> =>
        call(identity, route, body === undefined ? { token: bearer } : { token: bearer, body })
      // Once before the password is changed, and later ones may come too late.
      if (turn === 1 + 3 * round && at % sessionsEach === 0) {
        return { what: 'logout', session, answer: await ask('POST /logout', session.access) }
      }
      if (turn === 3 && at % sessionsEach < 2) {
        const answer = await ask('POST /account/password', session.access, { current, new: next })
        return { what: 'password', session, answer }
      }
      if (round === 2 && at === 40) {
        const route = `POST /admin/accounts/${session.accountId}/block`
        return { what: 'block', session, answer: await ask(route, token, { reason: 'a race' }) }
      }
      return { what: 'refresh', session, answer: await refreshWith(identity, session.refresh) }
    }),
  )
}

function assertOneSuccessorEach(asked: readonly Asked[]): void {
  const successors = new Map<string, Set<unknown>>()
  for (const { session, answer } of asked) {
    const token = answer.members()['refresh_token']
    if (token === undefined) continue
    const known = successors.get(session.sessionId) ?? new Set()
    successors.set(session.sessionId, known.add(token))
  }
  for (const known of successors.values()) assert.equal(known.size, 1)
}

function acknowledged(asked: readonly Asked[], what: Asked['what']): readonly Asked[] {
  return asked.filter((one) => one.what === what && one.answer.status === 200)
}

testOnEngines(
  'fifty requests at once break nothing, and what was acknowledged holds afterwards',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const identity = await startRunningIdentity({ database, accounts: [alice, bob, admin] })
    t.after(identity.close)
    const { access: token } = await signInHere(identity, admin)
    const bystander = await signInHere(identity, bob)
    const { identifier } = alice
    let current = alice.password
    const done = { refresh: 0, password: 0, logout: 0, block: 0 }
    for (const round of [0, 1, 2]) {
      const sessions = await Promise.all(
        Array.from({ length: sessionsEach }, () =>
          signInHere(identity, { identifier, password: current }),
        ),
      )
      const next = newRandomSecret()
      const asked = await askAll(identity, sessions, { token, current, next, round })
      for (const { answer } of asked) assert.ok(answer.status < 500, answer.body)
      assertOneSuccessorEach(asked)
      for (const what of ['refresh', 'password', 'logout', 'block'] as const) {
        done[what] += acknowledged(asked, what).length
      }

      const [change, ...others] = acknowledged(asked, 'password')
      assert.deepEqual(others, [], 'two changes of one password')
      const isBlocked = acknowledged(asked, 'block').length > 0
      assert.equal(isBlocked, round === 2)
      for (const { session } of acknowledged(asked, 'logout')) {
        assert.ok(!(await isWelcome(identity, session.access)))
        await assertNoRefresh(identity, session.refresh)
      }
      for (const { access, refresh, sessionId } of sessions) {
        if (change !== undefined) assert.ok(!(await isWelcome(identity, access)))
        const isOver = isBlocked || (change !== undefined && change.session.sessionId !== sessionId)
        if (isOver) await assertNoRefresh(identity, refresh)
      }
      if (change !== undefined) {
        const old = await identity.login({ identifier, password: current })
        assertProblem(old, 401, 'bad-credentials')
        current = next
      }
      const again = await identity.login({ identifier, password: current })
      if (isBlocked) assertProblem(again, 403, 'account-blocked')
      else tokensOf(again)
      identity.clock.advanceMs(31_000)
    }
    for (const [what, count] of Object.entries(done)) assert.ok(count > 0, `no ${what} was done`)
    assert.ok(await isWelcome(identity, bystander.access))
    assert.ok(!identity.logged().includes('unexpected error'))
  },
)
