import assert from 'node:assert/strict'
import { deleteOwnAccount } from '../src/domain/account-deletion.ts'
import { callerOf } from '../src/domain/callers.ts'
import { endOtherSessions } from '../src/domain/other-sessions.ts'
import { changePassword } from '../src/domain/password-change.ts'
import type { KnownSession } from '../src/domain/sessions.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { decision, kindsOf, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { loginWith, sessionOf, shown } from './store-parts.ts'

interface Asked {
  readonly store: AccountStoreParts
  readonly session: KnownSession
  /** Of the same account. */
  readonly otherId: string
  readonly meanwhile: () => Promise<unknown>
}

/** With a check of the password that takes as long as what happens meanwhile. */
function slowed({ store: { parts }, meanwhile }: Asked): typeof parts {
  const verify: typeof parts.passwords.verify = async (hash, password, asker) => {
    await meanwhile()
    return parts.passwords.verify(hash, password, asker)
  }
  return { ...parts, passwords: { ...parts.passwords, verify } }
}

/** What people change of their own, each answering whether it was done. */
const decisions: Readonly<Record<string, (asked: Asked) => Promise<boolean>>> = {
  'deletes the account': async (asked) => {
    const { administration } = asked.store
    const parts = { ...slowed(asked), administration }
    const outcome = await deleteOwnAccount(parts, asked.session, shown('alice-password'))
    return outcome.kind === 'deleted'
  },
  'changes the password': async (asked) => {
    const passwords = { current: 'alice-password', new: 'another long password' }
    const outcome = await changePassword(slowed(asked), asked.session, passwords)
    return outcome.kind === 'changed'
  },
  'ends the other sessions': async ({ store, session, meanwhile }) => {
    await meanwhile()
    return (await endOtherSessions(store.parts, session)).kind === 'ended'
  },
  'ends another session': async ({ store, session, otherId, meanwhile }) => {
    await meanwhile()
    const outcome = await store.parts.sessions.endOwn(callerOf(session), otherId)
    return outcome.kind === 'ended'
  },
  'ends all sessions': async ({ store, session, meanwhile }) => {
    await meanwhile()
    return (await store.parts.accounts.endAllSessions(callerOf(session))).kind === 'ended'
  },
}

const losses: Readonly<
  Record<string, (store: AccountStoreParts, session: KnownSession) => Promise<unknown>>
> = {
  'is blocked': ({ parts }, { accountId }) => parts.accounts.block({ ...decision, accountId }),
  'is signed out': ({ parts }, { id }) => parts.sessions.end(id),
  'is signed out everywhere': ({ administration }, { accountId }) =>
    administration.logOut({ ...decision, accountId }),
  'has his token taken back': async ({ administration }, { accountId }) => {
    await administration.setRoles({ ...decision, accountId }, ['customer'])
    await administration.setRoles({ ...decision, accountId }, [])
  },
}

testOnEngines(
  'who loses his session or token while he decides about his own changes nothing',
  async (t, engine) => {
    let refusals = 0
    const store = await openAccounts(t, engine)
    const { parts, query } = store
    for (const [loss, lose] of Object.entries(losses)) {
      for (const [what, decide] of Object.entries(decisions)) {
        const { sessionId: otherId } = await loginWith(parts)
        const { sessionId } = await loginWith(parts)
        const session = await sessionOf(parts, sessionId)
        let events: readonly unknown[] = []
        const meanwhile = async (): Promise<void> => {
          await lose(store, session)
          events = await kindsOf(store, 'events')
        }
        const isDone = await decide({ store, session, otherId, meanwhile })
        assert.ok(!isDone, `who ${loss} ${what}`)
        assert.ok(events.length > 0)
        assert.deepEqual(await kindsOf(store, 'events'), events, `who ${loss} ${what}`)
        refusals += 1
        await parts.accounts.unblock({ ...decision, accountId: session.accountId })
      }
    }
    assert.equal(refusals, 20)
    const [account] = await query('SELECT password_hash, deleted_at FROM accounts')
    assert.deepEqual({ ...account }, { password_hash: 'hash of alice-password', deleted_at: null })
  },
)

testOnEngines('without any loss all of that is done', async (t, engine) => {
  for (const [what, decide] of Object.entries(decisions)) {
    const store = await openAccounts(t, engine)
    const { sessionId: otherId } = await loginWith(store.parts)
    const { sessionId } = await loginWith(store.parts)
    const session = await sessionOf(store.parts, sessionId)
    assert.ok(await decide({ store, session, otherId, meanwhile: async () => undefined }), what)
  }
})
