import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { LinkPurpose } from '../src/domain/account-links.ts'
import { mailPace } from '../src/domain/mail-pace.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { giveEmail, openAccounts } from './account-parts.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'

const address = 'alice@mail.example'

testOnEngines('mail to one account keeps its pace, however many ask at once', async (t, engine) => {
  const { links, clock, ...store } = await openAccounts(t, engine)
  const accountId = await giveEmail({ links, clock, ...store }, address)
  const ask = async (at: number): Promise<string> =>
    (
      await links.issue(
        { accountId, purpose: 'reset', tokenHash: `${clock.now()} ${at}`, lifeMs: 1000 },
        mailPace,
      )
    ).kind
  const issuedOf = async (): Promise<number> => {
    const asked = await Promise.all(Array.from({ length: 10 }, (_, at) => ask(at)))
    return asked.filter((kind) => kind === 'issued').length
  }
  assert.equal(await issuedOf(), 1)
  clock.advanceMs(mailPace.gapMs - 1)
  assert.equal(await issuedOf(), 0)
  let perDay = 1
  for (let tenMinutes = 0; tenMinutes < 24 * 6; tenMinutes += 1) {
    clock.advanceMs(600_000)
    perDay += (await ask(0)) === 'issued' ? 1 : 0
  }
  assert.ok(perDay > 20 && perDay <= 29, `${perDay} mails in a day`)
})

testOnEngines(
  'accounts that only name a mailbox share a few mails an hour of each kind',
  async (t, engine) => {
    const people = ['alice', 'bob', 'carol', 'dave', 'erin']
    const store = await openAccounts(t, engine, people)
    const { links, clock } = store
    const spellings = ['a@mail.example', 'a@mail.example', 'a+b@mail.example', 'a+c+d@mail.example']
    const ids: string[] = []
    for (const [at, spelling] of [...spellings, 'other@mail.example'].entries()) {
      ids.push(await giveEmail(store, spelling, people[at]))
    }
    let sent = 0
    const ask = async (accountId: string, purpose: LinkPurpose): Promise<boolean> => {
      sent += 1
      const link = { accountId, purpose, tokenHash: `hash ${sent}`, lifeMs: 1000 }
      return (await links.issue(link, mailPace)).kind === 'issued'
    }
    const askForAll = async (purpose: LinkPurpose): Promise<number> => {
      const asked = await Promise.all(ids.slice(0, -1).map((id) => ask(id, purpose)))
      return asked.filter(Boolean).length
    }
    assert.equal(await askForAll('reset'), 1)
    // Another kind, and another mailbox.
    assert.equal(await askForAll('verify-email'), 1)
    assert.ok(await ask(ids.at(-1) ?? '', 'reset'))
    let inAnHour = 1
    for (let minute = 1; minute < 60; minute += 1) {
      clock.advanceMs(60_000)
      inAnHour += await askForAll('reset')
    }
    assert.equal(inAnHour, 3)
    const count = async (): Promise<number> => (await store.query('SELECT * FROM mailboxes')).length
    assert.equal(await count(), 3)
    clock.advanceMs(3 * mailPace.refillMs)
    await links.tidy(1000)
    assert.equal(await count(), 0)
  },
)

interface PacedAccount {
  readonly identifier: string
  readonly email?: string
  readonly isUnconfirmed?: boolean
  readonly isVerified?: boolean
}

/** Makes accounts, and a function that asks for a link to one of them and answers whether it was sent. */
async function openPaced(
  t: TestContext,
  engine: Engine,
  accounts: Readonly<Record<string, PacedAccount>>,
): Promise<{
  readonly store: AccountStoreParts
  readonly ask: (name: string) => Promise<boolean>
}> {
  const store = await openAccounts(t, engine)
  const { administration, links, database } = store
  for (const [name, account] of Object.entries(accounts)) {
    const { identifier, email = identifier, isUnconfirmed = false } = account
    const id = name.padEnd(22, 'A')
    const row = { id, identifier, email, isUnconfirmed, roles: [], attributes: {} }
    await administration.create({ ...row, passwordHash: 'hash' })
    if (account.isVerified === true) {
      await database.write('UPDATE accounts SET email_verified_at = 1 WHERE id = $1', [id])
    }
  }
  let sent = 0
  const ask = async (name: string): Promise<boolean> => {
    sent += 1
    const accountId = name.padEnd(22, 'A')
    const link = { accountId, purpose: 'reset', tokenHash: `hash ${sent}`, lifeMs: 1000 } as const
    return (await links.issue(link, mailPace)).kind === 'issued'
  }
  return { store, ask }
}

testOnEngines(
  'what strangers ask for about other accounts of a mailbox leaves its owner the mails of his own',
  async (t, engine) => {
    const identifier = 'victim@mail.example'
    const owners: Readonly<Record<string, PacedAccount>> = {
      own: { identifier },
      spelling: { identifier: 'victim+shop@mail.example' },
      verified: { identifier: 'vic', email: identifier, isVerified: true },
    }
    const strangers: Readonly<Record<string, PacedAccount>> = {
      waiting: { identifier: 'victim+x@mail.example', isUnconfirmed: true },
      mallory: { identifier: 'mallory', email: identifier },
    }
    const { store, ask } = await openPaced(t, engine, { ...owners, ...strangers })
    for (let minute = 0; minute < 60; minute += 1) {
      store.clock.advanceMs(60_000)
      for (const name of Object.keys(strangers)) await ask(name)
    }
    for (let hour = 0; hour < 6; hour += 1) {
      for (const name of Object.keys(strangers)) await ask(name)
      for (const name of Object.keys(owners)) assert.ok(await ask(name), `${name} at hour ${hour}`)
      store.clock.advanceMs(mailPace.refillMs)
    }
  },
)

testOnEngines(
  'a mailbox is bounded in total, however many spellings of it strangers make into accounts',
  async (t, engine) => {
    const spellings = Array.from({ length: 12 }, (_, at) => `victim+${at}@mail.example`)
    const accounts: Record<string, PacedAccount> = { own: { identifier: 'victim@mail.example' } }
    for (const [at, identifier] of spellings.entries()) {
      accounts[`open-${at}`] = { identifier }
      accounts[`waiting-${at}`] = { identifier: `victim+w${at}@mail.example`, isUnconfirmed: true }
      accounts[`other-${at}`] = { identifier: `mallory-${at}`, email: identifier }
    }
    const { store, ask } = await openPaced(t, engine, accounts)
    let inAnHour = 0
    for (let minute = 0; minute < 59; minute += 1) {
      for (const name of Object.keys(accounts)) inAnHour += (await ask(name)) ? 1 : 0
      store.clock.advanceMs(60_000)
    }
    // Of the one account, of confirmed spellings, and of everything else.
    assert.equal(inAnHour, 3 * mailPace.burst)
  },
)
