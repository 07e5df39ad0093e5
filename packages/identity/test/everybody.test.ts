import assert from 'node:assert/strict'
import { test } from 'node:test'
import { login } from '../src/domain/login.ts'
import { refresh } from '../src/domain/refresh.ts'
import { openAccounts } from './account-parts.ts'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  isWelcome,
  positionOf,
  revokedKinds,
  signInHere,
} from './signed-in.ts'
import { claimsOf, commandLine, loginWith } from './store-parts.ts'
import { aboutPeople } from './store-query.ts'

const route = 'POST /admin/sessions/end-all'
const reason = 'the pepper was on a lost disk'

// ASVS 7.4.5.
test('an administrator ends everybody, himself and machines included, and all may come back', async (t) => {
  const identity = await startRunningIdentity({ accounts: [alice, bob, admin] })
  t.after(identity.close)
  const people = [alice, bob, admin]
  const sessions = await Promise.all(people.map((who) => signInHere(identity, who)))
  const [ofAlice, , own] = sessions
  assert.ok(ofAlice !== undefined && own !== undefined)
  const machineToken = async (): Promise<string> => {
    const scope = { grant_type: 'client_credentials', audience: identity.issuer }
    const answer = await identity.token(scope, basic(machine.clientId, machine.clientSecret))
    return String(answer.members()['access_token'])
  }
  const ofMachine = await machineToken()
  const { issuer } = identity
  const body = { issuer, reason }

  assertProblem(
    await call(identity, route, { token: own.access, body: { reason } }),
    400,
    'malformed',
  )
  const elsewhere = { ...body, issuer: 'https://another.example' }
  assertProblem(
    await call(identity, route, { token: own.access, body: elsewhere }),
    400,
    'malformed',
  )
  const byAlice = await call(identity, route, { token: ofAlice.access, body })
  assert.equal(byAlice.status, 403)
  assert.ok(await isWelcome(identity, ofAlice.access))

  positionOf(await call(identity, route, { token: own.access, body }))
  assert.deepEqual(await revokedKinds(identity), ['all'])
  for (const { access, refresh: refreshToken } of sessions) {
    assert.ok(!(await isWelcome(identity, access)))
    await assertNoRefresh(identity, refreshToken)
  }
  const [record] = await identity.query('SELECT floor FROM revocations')
  const floor = Number(record?.['floor'])
  assert.ok(Number(decodeToken(ofMachine).claims['cgen']) < floor)
  const [event] = await identity.query(
    `SELECT kind, account_id, actor, reason FROM events WHERE ${aboutPeople}`,
  )
  const expected = { kind: 'all-sessions-ended', account_id: null, actor: own.accountId, reason }
  assert.deepEqual({ ...event }, expected)

  for (const who of people) {
    assert.ok(await isWelcome(identity, (await signInHere(identity, who)).access))
  }
  assert.ok(Number(decodeToken(await machineToken()).claims['cgen']) >= floor)
})

testOnEngines(
  'whoever signs in or refreshes at that moment is above the floor or out',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, administration } = store
    for (let round = 0; round < 5; round += 1) {
      const before = await loginWith(parts)
      const [ended, refreshed, late] = await Promise.all([
        administration.logOutEverybody({ actor: commandLine, reason }),
        refresh(parts, { refreshToken: before.refresh }),
        login(parts, { identifier: 'alice', password: 'alice-password' }),
      ])
      assert.ok(ended.kind === 'ended')
      const [record] = (await store.log.since(ended.position.seq - 1)).records
      assert.equal(record?.kind, 'all')
      const again = await refresh(parts, { refreshToken: before.refresh })
      assert.equal(again.kind, 'refused')
      if (refreshed.kind === 'refreshed') {
        const { gen = -1 } = claimsOf(refreshed.token.accessToken)
        assert.ok(gen < (record?.floor ?? 0), 'it was minted before')
      }
      if (late.kind === 'signed-in') {
        const { gen = -1 } = claimsOf(late.token.accessToken)
        const goesOn = await refresh(parts, { refreshToken: late.refresh?.token ?? '' })
        assert.equal(goesOn.kind === 'refreshed', gen >= (record?.floor ?? 0))
      }
    }
  },
)
