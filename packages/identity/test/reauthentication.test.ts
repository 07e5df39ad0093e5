import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { changePassword } from '../src/domain/password-change.ts'
import { reauthenticate } from '../src/domain/reauthentication.ts'
import { refresh } from '../src/domain/refresh.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { StoreParts } from './store-parts.ts'
import {
  accountOf,
  claimsOf,
  commandLine,
  endEverywhere,
  loginWith,
  openPartsAt,
  sessionOf,
  shown,
} from './store-parts.ts'

const password = 'alice-password'
const startSeconds = Math.floor(startMs / 1000)
const decision = { actor: commandLine, reason: 'a test' }

type Opened = StoreParts & { readonly clock: ChosenClock }

async function open(t: TestContext, engine: Engine): Promise<Opened> {
  const clock = createChosenClock()
  const store = await openPartsAt(await engine.createStore(t), clock.now)
  t.after(store.database.close)
  return { ...store, clock }
}

/** The same parts, in which something happens while the password is being checked. */
function meanwhile({ parts }: Opened, happens: () => Promise<unknown>): Opened['parts'] {
  const verify: typeof parts.passwords.verify = async (hash, typed, asker) => {
    const check = await parts.passwords.verify(hash, typed, asker)
    await happens()
    return check
  }
  return { ...parts, passwords: { ...parts.passwords, verify } }
}

testOnEngines(
  'a step-up renews the auth_time of the session, and of no other',
  async (t, engine) => {
    const { parts, clock } = await open(t, engine)
    const [stepped, other] = [await loginWith(parts), await loginWith(parts)]
    clock.advanceMs(600_000)
    const before = await sessionOf(parts, stepped.sessionId)
    const outcome = await reauthenticate(parts, before, shown(password))
    assert.ok(outcome.kind === 'reauthenticated')
    const claims = claimsOf(outcome.token.accessToken)
    assert.equal(claims.auth_time, startSeconds + 600)
    assert.deepEqual([claims.sid, claims.gen], [stepped.sessionId, stepped.claims.gen])

    clock.advanceMs(60_000)
    for (const [{ refresh: refreshToken }, authTime] of [
      [stepped, startSeconds + 600],
      [other, startSeconds],
    ] as const) {
      const refreshed = await refresh(parts, { refreshToken })
      assert.ok(refreshed.kind === 'refreshed', 'the refresh token stays')
      assert.equal(claimsOf(refreshed.token.accessToken).auth_time, authTime)
    }
    const { authenticatedAt, expiresAt } = await sessionOf(parts, stepped.sessionId)
    assert.deepEqual([authenticatedAt, expiresAt], [before.authenticatedAt, before.expiresAt])
  },
)

testOnEngines('a wrong password steps nothing up', async (t, engine) => {
  const { parts, clock } = await open(t, engine)
  const { sessionId } = await loginWith(parts)
  clock.advanceMs(1000)
  const outcome = await reauthenticate(parts, await sessionOf(parts, sessionId), shown('guessed'))
  assert.deepEqual(outcome, { kind: 'refused', why: 'bad-credentials' })
  assert.equal((await sessionOf(parts, sessionId)).reauthenticatedAt, undefined)
})

const overtaking: readonly (readonly [
  what: string,
  happens: (opened: Opened, sessionId: string, accountId: string) => Promise<unknown>,
])[] = [
  ['its session was ended', ({ parts }, sessionId) => parts.sessions.end(sessionId)],
  [
    'its account was blocked',
    ({ parts }, _, accountId) => parts.accounts.block({ ...decision, accountId }),
  ],
  [
    'its account was blocked and unblocked',
    async ({ parts }, _, accountId) => {
      await parts.accounts.block({ ...decision, accountId })
      await parts.accounts.unblock({ ...decision, accountId })
    },
  ],
  [
    'the person logged out everywhere',
    ({ parts }, _, accountId) => endEverywhere(parts, accountId),
  ],
  [
    'the password was changed in this very session',
    async ({ parts }, sessionId) => {
      const passwords = { current: password, new: 'quite another password' }
      const changed = await changePassword(parts, await sessionOf(parts, sessionId), passwords)
      assert.equal(changed.kind, 'changed')
    },
  ],
  ['it expired', async ({ clock }) => clock.advanceMs(14 * 24 * 3_600_000)],
]
assert.equal(overtaking.length, 6)

for (const [what, happens] of overtaking) {
  testOnEngines(`a step-up revives nothing when ${what} meanwhile`, async (t, engine) => {
    const opened = await open(t, engine)
    const { parts, clock } = opened
    const { sessionId } = await loginWith(parts)
    const session = await sessionOf(parts, sessionId)
    clock.advanceMs(1000)
    const slow = meanwhile(opened, () => happens(opened, sessionId, session.accountId))
    const outcome = await reauthenticate(slow, session, shown(password))
    assert.deepEqual(outcome, { kind: 'refused', why: 'session-over' })
    assert.equal((await sessionOf(parts, sessionId)).reauthenticatedAt, undefined)
  })
}

testOnEngines('a change of roles meanwhile does not stand in the way', async (t, engine) => {
  const opened = await open(t, engine)
  const { parts, database } = opened
  const { sessionId } = await loginWith(parts)
  const raise = 'UPDATE accounts SET generation = generation + 1'
  const slow = meanwhile(opened, () => database.write(raise))
  const outcome = await reauthenticate(slow, await sessionOf(parts, sessionId), shown(password))
  assert.ok(outcome.kind === 'reauthenticated')
  const { generation } = await accountOf(opened)
  assert.equal(claimsOf(outcome.token.accessToken).gen, generation)
})

testOnEngines(
  'of a step-up and a change of the password at once, the order decides',
  async (t, engine) => {
    const opened = await open(t, engine)
    const { parts } = opened
    let current = password
    for (let round = 0; round < 10; round += 1) {
      const { sessionId } = await loginWith(parts, 'alice', current)
      const session = await sessionOf(parts, sessionId)
      const passwords = { current, new: `password of round ${round}` }
      const [stepped, changed] = await Promise.all([
        reauthenticate(parts, session, shown(current)),
        changePassword(parts, session, passwords),
      ])
      assert.equal(changed.kind, 'changed')
      current = passwords.new
      // Whoever comes second either was let in before, or finds the floor raised.
      const { reauthenticatedAt } = await sessionOf(parts, sessionId)
      assert.equal(stepped.kind === 'reauthenticated', reauthenticatedAt !== undefined)
    }
  },
)
