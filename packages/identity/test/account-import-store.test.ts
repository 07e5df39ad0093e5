import assert from 'node:assert/strict'
import type { ImportedRow } from '../src/domain/account-import.ts'
import { createInsertAccounts } from '../src/store/account-import.ts'
import { kindsOf, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { commandLine } from './store-parts.ts'

const decision = { actor: commandLine, reason: 'a test' }

function person(number: number, prefix: string): ImportedRow {
  return {
    id: `${prefix}-${number}`,
    identifier: `person-${number}`,
    passwordHash: '$2b$04$unread',
    email: number % 2 === 0 ? `person-${number}@mail.example` : undefined,
    isEmailVerified: number % 4 === 0,
    roles: ['customer'],
    attributes: { number },
    isBlocked: number % 3 === 0,
  }
}

function people(prefix: string, numbers: readonly number[]): readonly ImportedRow[] {
  return numbers.map((number) => person(number, prefix))
}

const numbers = Array.from({ length: 50 }, (_, index) => index)

testOnEngines('imported accounts are there whole, each with its events', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const insert = createInsertAccounts(store.database)
  const created = await insert(people('a', numbers), decision)
  assert.ok(created.kind === 'inserted' && created.ids.size === numbers.length)
  const four = await store.parts.accounts.findByIdentifier('person-4')
  const expected = { ...person(4, 'a'), isUnconfirmed: false }
  assert.partialDeepStrictEqual(four, expected)
  const six = await store.parts.accounts.findByIdentifier('person-6')
  assert.deepEqual([six?.isBlocked, six?.isEmailVerified], [true, false])
  const kinds = await kindsOf(store, 'events')
  assert.equal(kinds.filter((kind) => kind === 'account-created').length, numbers.length)
  assert.equal(kinds.filter((kind) => kind === 'account-blocked').length, 17)
  assert.deepEqual(await kindsOf(store, 'revocations'), [], 'nobody had anything to take back')
})

testOnEngines(
  'imports of the same people at once, in whatever order, make each of them once',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const insert = createInsertAccounts(store.database)
    const orders = [numbers, numbers.toReversed(), numbers.toSorted((one) => (one % 7) - 3)]
    const outcomes = await Promise.all(
      orders.map((order, index) => insert(people(`importer-${index}`, order), decision)),
    )
    const created = outcomes.flatMap((one) => (one.kind === 'inserted' ? [...one.ids] : []))
    assert.equal(created.length, numbers.length)
    const rows = await store.query("SELECT id FROM accounts WHERE identifier LIKE 'person-%'")
    assert.deepEqual(new Set(rows.map(({ id }) => id)), new Set(created))
    const events = await store.query('SELECT account_id AS id FROM events WHERE actor IS NOT NULL')
    assert.deepEqual(new Set(events.map(({ id }) => id)), new Set(created))
  },
)

testOnEngines('a group that fails in its middle leaves nobody behind', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const insert = createInsertAccounts(store.database)
  const broken = [...people('a', numbers.slice(0, 10)), { ...person(10, 'a'), id: 'a-0' }]
  await assert.rejects(insert(broken, decision))
  const rows = await store.query("SELECT id FROM accounts WHERE identifier LIKE 'person-%'")
  assert.deepEqual(rows, [])
  assert.deepEqual(await kindsOf(store, 'events'), [])
})
