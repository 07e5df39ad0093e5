import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { changePassword } from '../src/domain/password-change.ts'
import { login } from '../src/domain/login.ts'
import { newRandomSecret } from '../src/index.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { Answer } from './http-client.ts'
import { createMailbox } from './mailbox.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  call,
  eventKinds,
  isWelcome,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'
import type { StoreParts } from './store-parts.ts'
import { accountOf, commandLine, loginWith, openPartsAt, sessionOf } from './store-parts.ts'

const { identifier, password: oldPassword } = alice
const graceMs = 30_000

async function start(t: TestContext): Promise<RunningIdentity> {
  const identity = await startRunningIdentity()
  t.after(identity.close)
  return identity
}

function change(
  identity: RunningIdentity,
  token: string,
  { current = oldPassword, next = newRandomSecret() } = {},
): Promise<Answer> {
  return call(identity, 'POST /account/password', { token, body: { current, new: next } })
}

test('the owner hears by mail of a change, and of no attempt at one (ASVS 6.3.7)', async (t) => {
  const mailbox = createMailbox()
  const carol = { identifier: 'carol@mail.example', password: oldPassword, roles: [] }
  const identity = await startRunningIdentity({ accounts: [carol, alice], mailer: mailbox })
  t.after(identity.close)
  const { access } = await signInHere(identity, carol)
  const wrong = await change(identity, access, { current: newRandomSecret() })
  assertProblem(wrong, 401, 'bad-credentials')
  const next = newRandomSecret()
  positionOf(await change(identity, access, { next }))
  const { to, subject, text } = await mailbox.next()
  assert.deepEqual([to, subject], [carol.identifier, 'Your password was changed'])
  assert.ok(!text.includes(next) && !/https?:/.test(text))
  // Without an address there is nobody to tell.
  positionOf(await change(identity, (await signInHere(identity)).access))
  await identity.close()
  assert.equal(mailbox.received().length, 1)
})

// ASVS 6.2.2, 7.4.3. RFC 9700 O22.
test('a change ends all other sessions and old tokens, and keeps the caller signed in', async (t) => {
  const identity = await start(t)
  const [caller, other] = [await signInHere(identity), await signIn(identity)]
  identity.clock.advanceMs(1000)
  const next = newRandomSecret()
  const answer = await change(identity, caller.access, { next })
  positionOf(answer)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const fresh = tokensOf(answer)
  assert.equal(fresh.sessionId, caller.sessionId)
  assert.ok(await isWelcome(identity, fresh.access))
  assert.ok(!(await isWelcome(identity, caller.access)))
  assertChallenged(await call(identity, 'POST /logout', { token: other.access }))
  await assertNoRefresh(identity, other.refresh)
  assertProblem(await identity.login({ identifier, password: oldPassword }), 401, 'bad-credentials')
  await signIn(identity, { identifier, password: next })
  assert.deepEqual(await revokedKinds(identity), ['account'])
  assert.deepEqual(await eventKinds(identity), ['password-changed'])
})

// ASVS 6.2.10.
test('a password does not expire', async (t) => {
  const identity = await start(t)
  identity.clock.advanceMs(10 * 365 * 24 * 3_600_000)
  tokensOf(await identity.login({ identifier, password: oldPassword }))
})

test('a change whose answer was lost costs the session nothing', async (t) => {
  const identity = await start(t)
  const before = await signInHere(identity)
  const fresh = tokensOf(await change(identity, before.access))
  assert.equal(fresh.refresh, before.refresh, 'the password and not the session was changed')
  identity.clock.advanceMs(10 * graceMs)
  const late = tokensOf(await refreshWith(identity, before.refresh))
  assert.ok(await isWelcome(identity, late.access))
  assert.deepEqual(await revokedKinds(identity), ['account'])
})

test('a change answers the newest refresh token, whichever the caller has', async (t) => {
  const identity = await start(t)
  const first = await signInHere(identity)
  const second = tokensOf(await refreshWith(identity, first.refresh))
  const third = tokensOf(await change(identity, first.access))
  assert.equal(third.refresh, second.refresh)
  assert.ok(await isWelcome(identity, third.access))
})

const unfitPasswords = [
  'short',
  'x'.repeat(257),
  '🔑'.repeat(7),
  'Trustno1',
  `${identifier}-was-here`,
  'Portcullis 26',
]

// ASVS 6.2.3.
test('a wrong current password is 401 and an unfit new one 400, and nothing changes', async (t) => {
  const identity = await start(t)
  const { access, refresh } = await signInHere(identity)
  const wrong = await change(identity, access, { current: `${oldPassword}x` })
  assertProblem(wrong, 401, 'bad-credentials')
  assert.match(String(wrong.headers['www-authenticate']), /^Password realm=/)
  for (const next of unfitPasswords) {
    const unfit = await change(identity, access, { next })
    assertProblem(unfit, 400, 'malformed')
    const [error] = unfit.members()['errors'] as { field: string }[]
    assert.equal(error?.field, '/new')
    assert.ok(!unfit.body.includes(next))
  }
  for (const body of [{}, { current: oldPassword }, { current: oldPassword, new: '' }]) {
    const route = 'POST /account/password'
    assertProblem(await call(identity, route, { token: access, body }), 400, 'malformed')
  }
  assert.ok(await isWelcome(identity, access))
  tokensOf(await refreshWith(identity, refresh))
  assert.deepEqual(await revokedKinds(identity), [])
  assert.ok(!identity.logged().includes(oldPassword))
})

test('only a live token for identity alone may change the password', async (t) => {
  const identity = await start(t)
  const { access } = await signIn(identity)
  assertChallenged(await change(identity, access))
  const over = await signInHere(identity)
  positionOf(await call(identity, 'POST /logout', { token: over.access }))
  assertChallenged(await change(identity, over.access))
  await signIn(identity)
})

test('of two changes at once one wins, whether of one session or of two', async (t) => {
  const identity = await start(t)
  let current = oldPassword
  for (const isOneSession of [true, false]) {
    const one = await signIn(identity, { identifier, password: current }, here(identity))
    const two = isOneSession
      ? one
      : await signIn(identity, { identifier, password: current }, here(identity))
    const passwords = [newRandomSecret(), newRandomSecret()]
    const answers = await Promise.all(
      [one, two].map(({ access }, at) =>
        change(identity, access, { current, next: passwords[at] ?? '' }),
      ),
    )
    const statuses = answers.map(({ status }) => status)
    const winner = statuses.indexOf(200)
    assert.deepEqual(new Set(statuses), new Set([200, 409]))
    assertProblem(answers[1 - winner] ?? assert.fail(), 409, 'superseded')
    const loser = await identity.login({ identifier, password: passwords[1 - winner] })
    assertProblem(loser, 401, 'bad-credentials')
    current = passwords[winner] ?? ''
    await signIn(identity, { identifier, password: current })
  }
  assert.deepEqual(await revokedKinds(identity), ['account', 'account'])
})

function here(identity: RunningIdentity): object {
  return { audience: identity.issuer }
}

async function openParts(t: TestContext, engine: Engine): Promise<StoreParts> {
  const store = await openPartsAt(await engine.createStore(t), createChosenClock().now)
  t.after(store.database.close)
  return store
}

const passwords = { current: 'alice-password', new: 'another password' }

testOnEngines(
  'a login that was checking the old password while it changed opens no session',
  async (t, engine) => {
    const { parts, database } = await openParts(t, engine)
    const { sessionId } = await loginWith(parts)
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>()
    const { promise: checking, resolve: isChecking } = Promise.withResolvers<undefined>()
    const slow: typeof parts = {
      ...parts,
      passwords: {
        ...parts.passwords,
        verify: async (hash, password, asker) => {
          isChecking(undefined)
          await held
          return parts.passwords.verify(hash, password, asker)
        },
      },
    }
    const late = login(slow, { identifier: 'alice', password: passwords.current })
    await checking
    const changed = await changePassword(parts, await sessionOf(parts, sessionId), passwords)
    assert.equal(changed.kind, 'changed')
    release(undefined)
    assert.deepEqual(await late, { kind: 'refused', why: 'bad-credentials' })
    assert.equal((await database.read('SELECT * FROM sessions')).length, 1)
  },
)

testOnEngines(
  'a block that comes just behind a change is not undone by the tokens of the change',
  async (t, engine) => {
    const store = await openParts(t, engine)
    const { parts } = store
    const { sessionId, claims } = await loginWith(parts)
    const blockedMeanwhile: typeof parts = {
      ...parts,
      accounts: {
        ...parts.accounts,
        changePassword: async (asked) => {
          const changed = await parts.accounts.changePassword(asked)
          const decision = { accountId: claims.sub, actor: commandLine, reason: 'theft' }
          await parts.accounts.block(decision)
          return changed
        },
      },
    }
    const outcome = await changePassword(
      blockedMeanwhile,
      await sessionOf(parts, sessionId),
      passwords,
    )
    assert.ok(outcome.kind === 'changed')
    assert.equal(outcome.tokens, undefined)
    assert.ok((await accountOf(store)).isBlocked)
  },
)

testOnEngines(
  'a change that finds the queue full says so, and changes nothing',
  async (t, engine) => {
    const store = await openParts(t, engine)
    const { parts } = store
    const { sessionId } = await loginWith(parts)
    const busy = { kind: 'busy', retryAfterSeconds: 7 } as const
    const full: typeof parts = {
      ...parts,
      passwords: { ...parts.passwords, hash: async () => busy },
    }
    const outcome = await changePassword(full, await sessionOf(parts, sessionId), passwords)
    assert.deepEqual(outcome, busy)
    assert.equal((await accountOf(store)).passwordHash, 'hash of alice-password')
  },
)

testOnEngines(
  'a change that was slow finds its session ended, and changes nothing',
  async (t, engine) => {
    const store = await openParts(t, engine)
    const { parts } = store
    const { sessionId } = await loginWith(parts)
    const endedMeanwhile: typeof parts = {
      ...parts,
      passwords: {
        ...parts.passwords,
        hash: async (password, asker) => {
          await parts.sessions.end(sessionId)
          return parts.passwords.hash(password, asker)
        },
      },
    }
    const outcome = await changePassword(
      endedMeanwhile,
      await sessionOf(parts, sessionId),
      passwords,
    )
    assert.deepEqual(outcome, { kind: 'refused', why: 'session-over' })
    assert.equal((await accountOf(store)).passwordHash, 'hash of alice-password')
  },
)
