import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { AccountAdministration } from '../src/domain/account-administration.ts'
import type { LinkPurpose, LinkStore } from '../src/domain/account-links.ts'
import { hashLinkToken } from '../src/domain/account-links.ts'
import { mailPace } from '../src/domain/mail-pace.ts'
import { createAccountAdministration } from '../src/store/account-administration.ts'
import { createLinkStore } from '../src/store/account-links.ts'
import type { Row } from '../src/store/database.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import type { StoreParts } from './store-parts.ts'
import { accountOf, commandLine, openPartsAt } from './store-parts.ts'
import { aboutPeople } from './store-query.ts'

/** The store with everything that becomes of accounts. */
export type AccountStoreParts = StoreParts & {
  readonly clock: ChosenClock
  readonly administration: AccountAdministration
  readonly links: LinkStore
  readonly query: (sql: string) => Promise<readonly Row[]>
}

export async function openAccounts(
  t: TestContext,
  engine: Engine,
  people: readonly string[] = ['alice'],
): Promise<AccountStoreParts> {
  const clock = createChosenClock()
  const store = await openPartsAt(await engine.createStore(t), clock.now, people)
  t.after(() => store.database.close())
  const { database, log } = store
  return {
    ...store,
    clock,
    administration: createAccountAdministration(database, log.transaction),
    links: createLinkStore(database, log.transaction),
    query: (sql) => database.read(sql),
  }
}

export const decision = { actor: commandLine, reason: 'because' }

/** Gives an account an address, as an administrator does. */
export async function giveEmail(
  store: AccountStoreParts,
  email: string,
  identifier = 'alice',
): Promise<string> {
  const { id: accountId } = await accountOf(store, identifier)
  const changed = await store.administration.changeProfile({
    ...decision,
    accountId,
    email,
    attributes: {},
    attributesInClaims: new Set(),
  })
  assert.equal(changed.kind, 'changed')
  return accountId
}

/** Sends a link as soon as the pace of mails lets it, and answers the hash that opens it. */
export async function issueLink(
  { links, clock }: AccountStoreParts,
  accountId: string,
  purpose: LinkPurpose = 'reset',
): Promise<string> {
  clock.advanceMs(mailPace.gapMs)
  const tokenHash = hashLinkToken(randomBytes(32).toString('base64url'))
  const issued = await links.issue({ accountId, purpose, tokenHash, lifeMs: 1_800_000 }, mailPace)
  assert.equal(issued.kind, 'issued')
  return tokenHash
}

/** What was written to a log so far, in its order. */
export async function kindsOf(
  { query }: Pick<AccountStoreParts, 'query'>,
  table: 'events' | 'revocations',
): Promise<readonly unknown[]> {
  const which = table === 'events' ? `WHERE ${aboutPeople} ORDER BY id` : 'ORDER BY seq'
  return (await query(`SELECT kind FROM ${table} ${which}`)).map(({ kind }) => kind)
}
