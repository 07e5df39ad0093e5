import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { startAccountUpkeep } from '../src/jobs/account-upkeep.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { decision, issueLink, kindsOf, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { createLogInMemory } from './running-identity.ts'

const dayMs = 24 * 3_600_000
const weekMs = 7 * dayMs

/** As many strangers' registrations, each with the event of its beginning. */
async function registerMany({ database, clock }: AccountStoreParts, many: number): Promise<void> {
  const strangers = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${many})`
  await database.write(
    `INSERT INTO accounts (id, identifier, email, password_hash, roles, unconfirmed, generation, created_at)
     ${strangers} SELECT 'stranger-' || n, n || '@junk.example', n || '@junk.example', '-', '[]', 1, 0, $1 FROM numbers`,
    [clock.now()],
  )
  await database.write(
    `INSERT INTO events (at, kind, account_id)
     ${strangers} SELECT $1, 'account-created', 'stranger-' || n FROM numbers`,
    [clock.now()],
  )
}

async function idsIn({ query }: AccountStoreParts): Promise<readonly unknown[]> {
  return (await query("SELECT id FROM accounts WHERE id LIKE 'stranger-%'")).map(({ id }) => id)
}

testOnEngines(
  'nothing stays of accounts that nobody confirmed, however many there were',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { links, clock } = store
    await registerMany(store, 230)
    await issueLink(store, 'stranger-7')
    clock.advanceMs(weekMs - dayMs)
    assert.equal(await links.tidy(weekMs), false)
    assert.equal((await idsIn(store)).length, 230)

    clock.advanceMs(dayMs)
    const steps: boolean[] = []
    do {
      steps.push(await links.tidy(weekMs))
    } while (steps.at(-1) === true)
    assert.deepEqual(steps, [true, true, false])
    assert.equal((await store.query('SELECT * FROM accounts')).length, 1, 'only alice')
    assert.deepEqual(await store.query('SELECT * FROM account_links'), [])
    assert.deepEqual(await kindsOf(store, 'events'), [])
  },
)

testOnEngines(
  'one that an administrator has decided something about leaves a grave that his events point to',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { links, parts, clock } = store
    await registerMany(store, 2)
    await parts.accounts.block({ ...decision, accountId: 'stranger-2' })
    clock.advanceMs(weekMs)
    await links.tidy(weekMs)
    assert.deepEqual(await idsIn(store), ['stranger-2'])
    const kept = ['account-created', 'account-blocked', 'account-deleted']
    assert.deepEqual(await kindsOf(store, 'events'), kept)
    assert.equal(await parts.accounts.find('stranger-2'), undefined)
    await links.tidy(weekMs)
    assert.deepEqual(await kindsOf(store, 'events'), kept, 'it was buried again')
  },
)

testOnEngines(
  'a step leaves to its owner what he is confirming, and two at once do it once',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { links, clock } = store
    await registerMany(store, 150)
    clock.advanceMs(weekMs)
    const tokenHash = await issueLink(store, 'stranger-1')
    const [confirmed] = await Promise.all([
      links.confirmReset({ tokenHash, newHash: 'hash of hers' }),
      links.tidy(weekMs),
      links.tidy(weekMs),
    ])
    await links.tidy(weekMs)
    const left = confirmed.kind === 'reset' ? ['stranger-1'] : []
    assert.deepEqual(await idsIn(store), left)
  },
)

test('it begins at once, goes on every minute while there is more, and stops between two steps', async () => {
  const { log } = createLogInMemory()
  const timers: (() => Promise<void>)[] = []
  let more = 3
  const steps: number[] = []
  const tidy = async (unconfirmedMs: number): Promise<boolean> => {
    assert.equal(unconfirmedMs, weekMs)
    await setImmediate()
    steps.push(more)
    more -= 1
    return more > 0
  }
  const stop = startAccountUpkeep({ tidy }, log, (step, everyMs) => {
    assert.equal(everyMs, 60_000)
    timers.push(step)
    return () => timers.pop()
  })
  while (steps.length < 3) await setImmediate()
  await setImmediate()
  assert.equal(steps.length, 3, 'there was nothing more')
  more = Number.POSITIVE_INFINITY
  void timers[0]?.()
  while (steps.length < 10) await setImmediate()
  await stop()
  assert.deepEqual([timers.length, steps.length <= 11], [0, true])
})
