import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { auditVocabulary } from '../src/domain/audit-vocabulary.ts'
import { sharedKindOf } from '../src/domain/security-events.ts'
import { appendEvent } from '../src/store/events.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { createRevocationLog } from '../src/store/revocations.ts'
import { decodeToken } from './decoded-token.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { CheckedSet } from './receivers.ts'
import {
  accountDisabled,
  accountEnabled,
  accountPurged,
  createStream,
  credentialChange,
  newReceiver,
  receiverToken,
  sessionRevoked,
  takeEvents,
} from './receivers.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, bob, call, positionOf, refreshWith, signIn, signInHere } from './signed-in.ts'

const partner = newReceiver('partner')

interface World {
  readonly identity: RunningIdentity
  readonly administrator: string
  readonly take: () => Promise<readonly CheckedSet[]>
}

async function start(t: TestContext, engine: Engine, stream: object = {}): Promise<World> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, bob, admin],
    clients: [partner],
    file: { sessionsPerAccountMax: 3, refreshGraceSeconds: 1 },
  })
  t.after(identity.close)
  const token = await receiverToken(identity, partner)
  const id = await createStream(identity, token, stream)
  const administrator = (await signInHere(identity, admin)).access
  return { identity, administrator, take: () => takeEvents(identity, token, id) }
}

function userOf({ issuer }: RunningIdentity, sub: string): object {
  return { format: 'iss_sub', iss: issuer, sub }
}

function eventTypesOf(sets: readonly CheckedSet[]): readonly string[] {
  return sets.map(({ type }) => type)
}

testOnEngines(
  'the end of a session is told with its session, its owner and its place',
  async (t, engine) => {
    const { identity, take } = await start(t, engine)
    const { access, sessionId, accountId } = await signInHere(identity)
    identity.clock.advanceMs(1500)
    const position = positionOf(await call(identity, 'POST /logout', { token: access }))
    const sets = await take()
    assert.equal(sets.length, 1)
    const [set] = sets
    const { jti, txn, ...claims } = set?.claims ?? {}
    assert.match(String(jti), /^\d+\.[A-Za-z0-9_-]{22}$/)
    assert.match(String(txn), /^[A-Za-z0-9_-]{22}$/)
    const at = Math.floor(identity.clock.now() / 1000)
    assert.deepEqual(claims, {
      iss: identity.issuer,
      iat: at,
      aud: partner.clientId,
      sub_id: {
        format: 'complex',
        user: userOf(identity, accountId),
        session: { format: 'opaque', id: sessionId },
      },
      events: {
        [sessionRevoked]: {
          event_timestamp: at,
          initiating_entity: 'user',
          reason_admin: { en: 'The session was ended' },
        },
      },
      revocation: position,
    })
    assert.deepEqual(await take(), [])
  },
)

testOnEngines(
  'theft and the limit of sessions are told as what nobody has decided',
  async (t, engine) => {
    const { identity, take } = await start(t, engine)
    const { refresh, sessionId } = await signIn(identity)
    assert.equal((await refreshWith(identity, refresh)).status, 200)
    identity.clock.advanceMs(60_000)
    assert.equal((await refreshWith(identity, refresh)).status, 400)
    const [theft, ...others] = await take()
    assert.deepEqual(others, [])
    assert.equal(theft?.type, sessionRevoked)
    assert.equal(theft.payload['initiating_entity'], 'policy')
    const { session } = theft.claims['sub_id'] as { session: { id: string } }
    assert.equal(session.id, sessionId)
    for (let opened = 0; opened < 4; opened += 1) await signIn(identity)
    const [limit, ...more] = await take()
    assert.deepEqual(more, [])
    assert.equal(limit?.payload['initiating_entity'], 'policy')
  },
)

testOnEngines('a change of the password is two events of one transaction', async (t, engine) => {
  const { identity, take } = await start(t, engine)
  const { access, accountId } = await signInHere(identity)
  const body = { current: alice.password, new: 'another long enough one' }
  const changed = await call(identity, 'POST /account/password', { token: access, body })
  const { epoch, seq } = positionOf(changed)
  // The caller's own session goes on: its new token has the generation that is still good.
  const { gen } = decodeToken(changed.members()['access_token']).claims
  const sets = await take()
  assert.deepEqual(eventTypesOf(sets), [credentialChange, sessionRevoked])
  const [credential, sessions] = sets
  assert.equal(credential?.payload['credential_type'], 'password')
  assert.equal(credential.payload['change_type'], 'update')
  assert.equal(credential.claims['txn'], sessions?.claims['txn'])
  assert.notEqual(credential.claims['jti'], sessions?.claims['jti'])
  for (const { claims, payload } of sets) {
    assert.deepEqual(claims['sub_id'], userOf(identity, accountId))
    assert.deepEqual(claims['revocation'], { epoch, seq, gen })
    assert.ok(JSON.stringify(payload['reason_admin']).length > 10)
  }
})

testOnEngines(
  'a block, its end, a reset and a deletion are told, each as what it is',
  async (t, engine) => {
    const { identity, administrator: token, take } = await start(t, engine)
    const { accountId } = await signIn(identity, bob)
    const decide = async (what: string, method = 'POST'): Promise<void> => {
      const body = { reason: 'secret words of an administrator' }
      const answer = await call(identity, `${method} /admin/accounts/${accountId}${what}`, {
        token,
        body,
      })
      assert.ok(answer.status < 300, answer.body)
    }
    await decide('/block')
    const blocked = await take()
    assert.deepEqual(eventTypesOf(blocked), [accountDisabled, sessionRevoked])
    assert.equal(new Set(blocked.map(({ claims }) => claims['txn'])).size, 1)
    await decide('/block')
    assert.deepEqual(await take(), [], 'nothing has changed')
    await decide('/unblock')
    const unblocked = await take()
    assert.deepEqual(eventTypesOf(unblocked), [accountEnabled])
    assert.ok(!('revocation' in (unblocked[0]?.claims ?? {})))
    await decide('/logout')
    const ended = await take()
    assert.deepEqual(eventTypesOf(ended), [sessionRevoked])
    await decide('', 'DELETE')
    const deleted = await take()
    assert.deepEqual(eventTypesOf(deleted), [accountPurged, sessionRevoked])
    const all = [...blocked, ...unblocked, ...ended, ...deleted]
    assert.ok(all.every(({ payload }) => payload['initiating_entity'] === 'admin'))
    assert.ok(!JSON.stringify(all).includes('secret words'))
    assert.ok(!JSON.stringify(all).includes(bob.identifier + '"'))
  },
)

testOnEngines('many accounts of one decision are told one by one', async (t, engine) => {
  const { identity, administrator: token, take } = await start(t, engine)
  const ids = [(await signIn(identity, alice)).accountId, (await signIn(identity, bob)).accountId]
  const body = { ids, reason: 'a test' }
  positionOf(await call(identity, 'POST /admin/accounts/logout', { token, body }))
  const sets = await take()
  const subjects = sets.map(({ claims }) => (claims['sub_id'] as { sub: string }).sub)
  assert.deepEqual(subjects.toSorted(), ids.toSorted())
  const seqs = sets.map(({ claims }) => (claims['revocation'] as { seq: number }).seq)
  assert.equal(new Set(seqs).size, 2)
})

testOnEngines(
  'a stream hears what it asked for, of whom it wants to hear, in its own words',
  async (t, engine) => {
    const more = { events_requested: ['session-revoked'], format: 'iss_sub' }
    const { identity, administrator, take } = await start(t, engine, more)
    const { access, accountId } = await signInHere(identity)
    assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
    const [set] = await take()
    assert.deepEqual(set?.claims['sub_id'], userOf(identity, accountId))
    const block = { token: administrator, body: { reason: 'a test' } }
    await call(identity, `POST /admin/accounts/${accountId}/block`, block)
    assert.deepEqual(eventTypesOf(await take()), [sessionRevoked])
    const token = await receiverToken(identity, partner)
    const [stream] = (await call(identity, 'GET /ssf/streams', { token })).members() as unknown as [
      { stream_id: string },
    ]
    const subject = { format: 'complex', user: userOf(identity, accountId) }
    const said = { token, body: { stream_id: stream.stream_id, subject } }
    await call(identity, 'POST /ssf/subjects/remove', said)
    await call(identity, `POST /admin/accounts/${accountId}/logout`, block)
    assert.deepEqual(await take(), [])
    // What happened in between may be heard of as well, unless the upkeep has passed over it: it is asked when it is given.
    await call(identity, 'POST /ssf/subjects/add', said)
    await call(identity, `POST /admin/accounts/${accountId}/logout`, block)
    assert.ok((await take()).length >= 1)
  },
)

testOnEngines('nothing is written while nobody listens', async (t, engine) => {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice],
    clients: [partner],
  })
  t.after(identity.close)
  const logOut = async (): Promise<void> => {
    const { access } = await signInHere(identity)
    assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
  }
  const written = (): Promise<readonly unknown[]> =>
    identity.query('SELECT id FROM security_events')
  await logOut()
  assert.equal((await written()).length, 0)
  const token = await receiverToken(identity, partner)
  const id = await createStream(identity, token)
  await logOut()
  assert.equal((await written()).length, 1)
  assert.equal((await takeEvents(identity, token, id)).length, 1)
  await call(identity, `DELETE /ssf/streams?stream_id=${id}`, { token })
  await logOut()
  assert.equal((await written()).length, 1)
})

testOnEngines('what was not committed is told to nobody', async (t, engine) => {
  const { identity, take } = await start(t, engine)
  const { accountId, sessionId } = await signInHere(identity)
  const database = await openDatabase(identity.database, { now: identity.clock.now })
  t.after(database.close)
  const log = createRevocationLog(database, {
    issuer: identity.issuer,
    highWater: { raise: async () => undefined },
  })
  const endSession = (reach: 'commit' | 'nothing'): Promise<void> =>
    log.transaction(async (query, revoke) => {
      await appendEvent(query, { kind: 'session-ended', accountId, sessionId })
      await revoke({ kind: 'session', key: sessionId, floor: 0 })
      if (reach === 'nothing') throw new Error('cut off')
    })
  await assert.rejects(endSession('nothing'), /cut off/)
  assert.deepEqual(await take(), [])
  await endSession('commit')
  assert.deepEqual(eventTypesOf(await take()), [sessionRevoked])
})

test('whatever ends sessions of a person is told, and anomalies to whom it may concern', () => {
  const told = Object.keys(auditVocabulary).filter((kind) => sharedKindOf(kind) !== undefined)
  assert.deepEqual(told.toSorted(), [
    'account-blocked',
    'account-deleted',
    'account-unblocked',
    'all-sessions-ended',
    'anomaly-told',
    'other-sessions-ended',
    'password-changed',
    'password-reset',
    'refresh-reuse',
    'reset-forced',
    'session-ended',
    'session-limit',
  ])
  for (const kind of told) assert.ok((sharedKindOf(kind)?.reason ?? '').length > 10, kind)
})
