import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash as hashBcrypt } from '@node-rs/bcrypt'
import type { NewAccountRow } from '../src/domain/account-administration.ts'
import { rehearseImport } from '../src/domain/account-import.ts'
import type { ImportedRow } from '../src/domain/account-import.ts'
import { createInsertAccounts } from '../src/store/account-import.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { decision, issueLink, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { createMailbox, tokenIn } from './mailbox.ts'
import { startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, signInHere } from './signed-in.ts'
import { accountOf } from './store-parts.ts'

const address = 'victim@mail.example'
const waitingId = 'W'.repeat(22)
const ownId = 'V'.repeat(22)

/** What a stranger leaves behind who types somebody's address. */
async function registerByMail({ administration }: AccountStoreParts): Promise<void> {
  const created = await administration.create({
    ...rowOf(waitingId),
    roles: [],
    isUnconfirmed: true,
  })
  assert.equal(created.kind, 'created')
}

function rowOf(id: string): NewAccountRow {
  return {
    id,
    identifier: address,
    passwordHash: 'hash of hers',
    email: address,
    roles: ['customer'],
    attributes: {},
    isUnconfirmed: false,
  }
}

const imported: ImportedRow = { ...rowOf(ownId), isEmailVerified: true, isBlocked: true }

interface Taking {
  /** Whether the identifier could be had. */
  readonly take: (store: AccountStoreParts) => Promise<boolean>
  readonly actor: string
}

const takings: Readonly<Record<string, Taking>> = {
  'an import': {
    take: async ({ database }) => {
      const outcome = await createInsertAccounts(database)([imported], decision)
      return outcome.kind === 'inserted' && outcome.ids.has(ownId)
    },
    actor: 'command-line',
  },
  'an administrator': {
    take: async ({ administration }) =>
      (await administration.createFor(rowOf(ownId), decision)).kind === 'created',
    actor: 'command-line',
  },
}

assert.equal(Object.keys(takings).length, 2)
for (const [who, { take, actor }] of Object.entries(takings)) {
  testOnEngines(
    `${who} takes over the identifier of an account that nobody confirmed, and its link dies`,
    async (t, engine) => {
      const store = await openAccounts(t, engine)
      await registerByMail(store)
      const tokenHash = await issueLink(store, waitingId)
      assert.ok(await take(store), 'it was taken')

      const { id, roles, isUnconfirmed, isBlocked } = await accountOf(store, address)
      assert.deepEqual([id, roles, isUnconfirmed], [ownId, ['customer'], false])
      assert.equal(isBlocked, who === 'an import')
      const confirmed = await store.links.confirmReset({ tokenHash, newHash: 'hash of theirs' })
      assert.equal(confirmed.kind, 'invalid')
      assert.equal(await store.parts.accounts.find(waitingId), undefined)
      const events = await store.query(
        'SELECT account_id, kind FROM events WHERE actor IS NOT NULL ORDER BY id',
      )
      assert.partialDeepStrictEqual(events, [
        { account_id: waitingId, kind: 'account-deleted' },
        { account_id: ownId, kind: 'account-created' },
      ])
      const actors = await store.query(`SELECT id FROM events WHERE actor = '${actor}'`)
      assert.equal(actors.length, events.length)
      assert.ok(!(await take(store)), 'and then it was somebody’s')
    },
  )

  testOnEngines(
    `of ${who} and the link that confirms an account one wins, at once as well`,
    async (t, engine) => {
      const store = await openAccounts(t, engine)
      await registerByMail(store)
      const tokenHash = await issueLink(store, waitingId)
      const [isTaken, confirmed] = await Promise.all([
        take(store),
        store.links.confirmReset({ tokenHash, newHash: 'hash of chosen' }),
      ])
      assert.equal(confirmed.kind, isTaken ? 'invalid' : 'reset')
      const { id, passwordHash } = await accountOf(store, address)
      const expected = isTaken ? [ownId, 'hash of hers'] : [waitingId, 'hash of chosen']
      assert.deepEqual([id, passwordHash], expected)
    },
  )
}

testOnEngines('a rehearsal says that an unconfirmed account gives way', async (t, engine) => {
  const store = await openAccounts(t, engine)
  await registerByMail(store)
  const importParts = { ...store.parts, insertAccounts: () => assert.fail('it changes nothing') }
  const rehearse = async (): Promise<readonly string[]> => {
    const fit = { kind: 'fit', account: imported } as const
    return (await rehearseImport(importParts, [fit, fit])).map(({ kind }) => kind)
  }
  assert.deepEqual(await rehearse(), ['importable', 'exists'])
  const tokenHash = await issueLink(store, waitingId)
  await store.links.confirmReset({ tokenHash, newHash: 'hash of chosen' })
  assert.deepEqual(await rehearse(), ['exists', 'exists'])
})

test('whoever types an address first keeps nobody from importing or inviting its owner', async (t) => {
  const mailbox = createMailbox()
  const file = { accounts: { selfRegistration: 'by-mail' } }
  const identity = await startRunningIdentity({ accounts: [admin], mailer: mailbox, file })
  t.after(identity.close)
  const { access: token } = await signInHere(identity, admin)
  const squat = async (identifier: string): Promise<string> => {
    const answer = await call(identity, 'POST /accounts', { body: { identifier } })
    assert.equal(answer.status, 202, answer.body)
    return tokenIn(await mailbox.next())
  }
  const squatted = [await squat('one@mail.example'), await squat('two@mail.example')]

  const password = 'correct horse battery staple'
  const one = { identifier: 'one@mail.example', password_hash: await hashBcrypt(password, 4) }
  const body = { accounts: [one] }
  const answer = await call(identity, 'POST /admin/accounts/import', { token, body })
  assert.partialDeepStrictEqual(answer.members()['results'], [{ outcome: 'created' }])
  assert.equal((await identity.login({ identifier: one.identifier, password })).status, 200)

  const two = { identifier: 'two@mail.example' }
  const created = await call(identity, 'POST /admin/accounts', { token, body: two })
  assert.equal(created.status, 201, created.body)
  const again = await call(identity, 'POST /admin/accounts', { token, body: two })
  assertProblem(again, 409, 'identifier-taken')
  for (const dead of squatted) {
    const chosen = { token: dead, new: password }
    const refused = await call(identity, 'POST /account/reset/confirm', { body: chosen })
    assertProblem(refused, 400, 'invalid-link')
  }
})
