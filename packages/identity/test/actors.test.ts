import assert from 'node:assert/strict'
import { administratorRole } from '@portcullis/protocol'
import { createAccount } from '../src/domain/account-creation.ts'
import type { Actor, Administrator } from '../src/domain/actors.ts'
import { administratorOf } from '../src/domain/actors.ts'
import { linkTargetsOf } from '../src/domain/account-links.ts'
import type { ClientAdministration } from '../src/domain/client-administration.ts'
import { createClientAdministration } from '../src/store/client-administration.ts'
import { createBulkAdministration } from '../src/store/account-bulk.ts'
import { createInsertAccounts } from '../src/store/account-import.ts'
import { createKeyStore } from '../src/store/keys.ts'
import { createSessionAdministration } from '../src/store/session-administration.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { decision, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { accountIdOf, commandLine, loginWith, sessionOf } from './store-parts.ts'

const target = accountIdOf('target')
const reason = 'a test'

type Decide = (store: AccountStoreParts, actor: Actor) => Promise<{ readonly kind: string }>

const newAccount = {
  id: 'B'.repeat(22),
  identifier: 'backdoor',
  passwordHash: 'hash',
  email: undefined,
  roles: [administratorRole],
  attributes: {},
  isUnconfirmed: false,
}

const client = {
  id: 'C'.repeat(22),
  name: 'billing',
  description: undefined,
  isPublic: false,
  grants: [],
  audiences: [],
  scopes: [],
  secretHash: 'hash of a secret',
  keys: undefined,
} as const

function clientsOf({ database, log }: AccountStoreParts): ClientAdministration {
  return createClientAdministration(database, log.transaction)
}

const ofClient = { clientId: client.id, reason }

/** Of the client that the first of them makes and the last one deletes. */
const clientDecisions: Readonly<Record<string, Decide>> = {
  'makes a client': (store, actor) => clientsOf(store).create(client, { actor, reason }),
  'changes a client': (store, actor) =>
    clientsOf(store).change({ ...ofClient, actor }, { description: 'new' }, () => []),
  'exchanges a secret': (store, actor) =>
    clientsOf(store).rotateSecret({ ...ofClient, actor }, { hash: 'another', overlapMs: 0 }),
  'ends tokens of a client': (store, actor) =>
    clientsOf(store).revokeTokens({ ...ofClient, actor }),
  'disables a client': (store, actor) => clientsOf(store).disable({ ...ofClient, actor }),
  'enables a client': (store, actor) => clientsOf(store).enable({ ...ofClient, actor }),
  'deletes a client': (store, actor) => clientsOf(store).delete({ ...ofClient, actor }),
}

/** Everything that administrators change, as the store does it. The last two leave no target and no session. */
const decisions: Readonly<Record<string, Decide>> = {
  ...clientDecisions,
  'makes an account': ({ administration }, actor) =>
    administration.createFor(newAccount, { actor, reason }),
  'ends a session': async ({ database, log, query }, actor) => {
    const [session] = await query(`SELECT id FROM sessions WHERE account_id = '${target}'`)
    const sessionId = String(session?.['id'])
    return createSessionAdministration(database, log.transaction).end({ sessionId, actor, reason })
  },
  'gives a role': ({ administration }, actor) =>
    administration.setRoles({ accountId: target, actor, reason }, ['customer']),
  'takes a role': ({ administration }, actor) =>
    administration.setRoles({ accountId: target, actor, reason }, []),
  'changes a profile': ({ administration }, actor) =>
    administration.changeProfile({
      accountId: target,
      actor,
      reason,
      attributes: { tenant: 'north' },
      email: 'target@mail.example',
      attributesInClaims: new Set(['tenant']),
    }),
  'ends sessions': ({ administration }, actor) =>
    administration.logOut({ accountId: target, actor, reason }),
  'forces a reset': ({ administration }, actor) =>
    administration.forceReset({
      accountId: target,
      actor,
      reason,
      link: { tokenHash: `hash for ${JSON.stringify(actor)}`, lifeMs: 1000 },
    }),
  blocks: ({ parts }, actor) => parts.accounts.block({ accountId: target, actor, reason }),
  unblocks: ({ parts }, actor) => parts.accounts.unblock({ accountId: target, actor, reason }),
  'ends the sessions of many': ({ log }, actor) =>
    createBulkAdministration(log.transaction).logOut({ accountIds: [target], actor, reason }),
  'blocks many': ({ log }, actor) =>
    createBulkAdministration(log.transaction).block({ accountIds: [target], actor, reason }),
  'rotates keys': ({ database, log }, actor) =>
    createKeyStore(database, log.exclusive).rotate({
      successors: [],
      policy: { publishedMsMin: 0, activeMsMax: 1 },
      actor,
    }),
  'withdraws a key': ({ database, log }, actor) =>
    createKeyStore(database, log.exclusive).withdraw({
      kid: 'nobody has it',
      actor,
      reason,
      successor: undefined,
    }),
  deletes: ({ administration }, actor) =>
    administration.delete({ accountId: target, actor, reason }),
  imports: async ({ database }, actor) => {
    const imported = {
      id: 'imported'.padEnd(22, 'A'),
      identifier: 'imported',
      passwordHash: 'hash of imported-password',
      email: undefined,
      isEmailVerified: false,
      roles: [administratorRole],
      attributes: {},
      isBlocked: false,
    }
    const outcome = await createInsertAccounts(database)([imported], { actor, reason })
    return outcome.kind === 'inserted' ? { kind: 'inserted' } : outcome
  },
  'ends everybody': ({ administration }, actor) =>
    administration.logOutEverybody({ actor, reason }),
}

/** What an administrator may lose between the check of his token and the step that writes. */
const losses: Readonly<
  Record<string, (store: AccountStoreParts, actor: Administrator) => Promise<unknown>>
> = {
  blocked: ({ parts }, { accountId }) => parts.accounts.block({ ...decision, accountId }),
  'blocked-and-unblocked': async ({ parts }, { accountId }) => {
    await parts.accounts.block({ ...decision, accountId })
    await parts.accounts.unblock({ ...decision, accountId })
  },
  dismissed: ({ administration }, { accountId }) =>
    administration.setRoles({ ...decision, accountId }, []),
  'dismissed-and-called-back': async ({ administration }, { accountId }) => {
    await administration.setRoles({ ...decision, accountId }, [])
    await administration.setRoles({ ...decision, accountId }, [administratorRole])
  },
  'signed-out': ({ parts }, { sessionId }) => parts.sessions.end(sessionId),
  'signed-out-everywhere': ({ administration }, { accountId }) =>
    administration.logOut({ ...decision, accountId }),
  deleted: ({ administration }, { accountId }) => administration.delete({ ...decision, accountId }),
  expired: async ({ clock }) => clock.advanceMs(15 * 24 * 3_600_000),
}

async function administrator(store: AccountStoreParts, identifier: string): Promise<Administrator> {
  const accountId = accountIdOf(identifier)
  await store.administration.setRoles({ ...decision, accountId }, [administratorRole])
  const { sessionId } = await loginWith(store.parts, identifier)
  return administratorOf(await sessionOf(store.parts, sessionId))
}

async function everything({ query }: AccountStoreParts): Promise<readonly unknown[]> {
  return Promise.all([
    query('SELECT * FROM accounts ORDER BY id'),
    query('SELECT * FROM sessions ORDER BY id'),
    query('SELECT * FROM account_links ORDER BY token_hash'),
    query('SELECT * FROM clients ORDER BY id'),
    query('SELECT * FROM events ORDER BY id'),
    query('SELECT * FROM revocation_head'),
  ])
}

testOnEngines(
  'an administrator who has lost his right since the request came decides nothing',
  async (t, engine) => {
    const store = await openAccounts(t, engine, ['keeper', 'target', ...Object.keys(losses)])
    await administrator(store, 'keeper')
    await loginWith(store.parts, 'target')
    let refusals = 0
    for (const [loss, lose] of Object.entries(losses)) {
      const actor = await administrator(store, loss)
      await lose(store, actor)
      const before = await everything(store)
      for (const [what, decide] of Object.entries(decisions)) {
        assert.deepEqual(await decide(store, actor), { kind: 'superseded' }, `${loss} ${what}`)
        refusals += 1
      }
      assert.deepEqual(await everything(store), before, loss)
    }
    assert.equal(refusals, 184)
  },
)

testOnEngines('an administrator, and the command line, decide all of that', async (t, engine) => {
  for (const who of ['administrator', 'command-line']) {
    const store = await openAccounts(t, engine, ['keeper', 'target'])
    await loginWith(store.parts, 'target')
    const keeper = await administrator(store, 'keeper')
    const actor = who === 'administrator' ? keeper : commandLine
    for (const [what, decide] of Object.entries(decisions)) {
      const { kind } = await decide(store, actor)
      assert.ok(!['superseded', 'unknown', 'last-administrator'].includes(kind), `${what}: ${kind}`)
    }
    const actors = await store.query(
      `SELECT DISTINCT actor FROM events WHERE reason = '${reason}' ORDER BY actor`,
    )
    const name = actor.kind === 'administrator' ? actor.accountId : 'command-line'
    assert.deepEqual(
      actors.map((row) => row['actor']),
      [name],
    )
  }
})

testOnEngines(
  'who is blocked while the password for a new account is hashed makes no account',
  async (t, engine) => {
    const store = await openAccounts(t, engine, ['keeper', 'target'])
    const { parts, administration } = store
    await administrator(store, 'keeper')
    const actor = await administrator(store, 'target')
    const passwords: typeof parts.passwords = {
      ...parts.passwords,
      hash: async (password, asker) => {
        await parts.accounts.block({ ...decision, accountId: actor.accountId })
        return parts.passwords.hash(password, asker)
      },
    }
    const creation = {
      ...parts,
      administration,
      passwords,
      linkTargets: linkTargetsOf(parts.issuer, { reset: undefined, verifyEmail: undefined }),
      post: undefined,
    }
    const created = await createAccount(creation, {
      identifier: 'backdoor',
      password: 'a long enough phrase',
      roles: [administratorRole],
      attributes: {},
      actor,
    })
    assert.deepEqual(created, { kind: 'superseded' })
    assert.equal(await parts.accounts.findByIdentifier('backdoor'), undefined)
  },
)

testOnEngines(
  'administrators who decide about each other at once wait for one another, and one stays',
  async (t, engine) => {
    const people = ['anna', 'bert', 'cleo']
    const store = await openAccounts(t, engine, people)
    const { parts, administration, query } = store
    const actors: Administrator[] = []
    for (const name of people) actors.push(await administrator(store, name))
    const each = actors.flatMap((actor) =>
      actors.map(({ accountId }) => ({ accountId, actor, reason })),
    )
    const outcomes = await Promise.all(
      each.flatMap((decided) => [
        parts.accounts.block(decided),
        administration.setRoles(decided, []),
        administration.changeProfile({
          ...decided,
          attributes: { at: 1 },
          email: undefined,
          attributesInClaims: new Set(),
        }),
        parts.accounts.unblock(decided),
        administration.logOut(decided),
      ]),
    )
    const kinds = new Set(outcomes.map(({ kind }) => kind))
    assert.ok(kinds.has('superseded'), [...kinds].join())
    const left = await query(
      `SELECT id FROM accounts WHERE blocked_at IS NULL AND roles LIKE '%${administratorRole}%'`,
    )
    assert.ok(left.length > 0)
  },
)
