import type { AccountDetails } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../data/load.ts'
import { Badges } from '../elements/badge.tsx'
import type { Decision } from '../elements/decision.tsx'
import { Decisions, nothingTravels, offer } from '../elements/decisions.tsx'
import { Facts } from '../elements/facts.tsx'
import { Loaded } from '../elements/loaded.tsx'
import { Moment } from '../elements/moment.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { AccountState } from './accounts.tsx'
import { ProfileDialog, RolesDialog } from './account-forms.tsx'
import { SessionList } from './session-list.tsx'

/** One account: what is known of it, where it is signed in, and what may be done about it. */
export function AccountPage({ id }: { readonly id: string }): JSX.Element {
  const loading = useLoaded(`account ${id}`, () => administration.accounts.get(id))
  return (
    <Loaded loading={loading}>
      {loading.value !== undefined && <Known account={loading.value} onChange={loading.reload} />}
    </Loaded>
  )
}

function Known(props: {
  readonly account: AccountDetails
  readonly onChange: () => void
}): JSX.Element {
  const { account, onChange } = props
  const [changes, setChanges] = useState(0)
  const note = (): void => {
    setChanges(changes + 1)
    onChange()
  }
  return (
    <>
      <header class="of-page">
        <h1>{account.identifier}</h1>
        <AccountState account={account} />
      </header>
      <Facts facts={factsOf(account)} />
      <div class="actions">
        <Forms account={account} onDone={note} />
        <a class="button" href={addressOf('audit', undefined, { account: account.id })}>
          {texts.accounts.history}
        </a>
        <Decisions offered={decisionsOf(account)} onDone={note} />
      </div>
      <section>
        <h2>{texts.accounts.sessions}</h2>
        <SessionList
          key={changes}
          caption={texts.accounts.sessions}
          filter={{ account: account.id }}
          empty={texts.accounts.noSessions}
        />
      </section>
    </>
  )
}

function Forms(props: {
  readonly account: AccountDetails
  readonly onDone: () => void
}): JSX.Element {
  const { account, onDone } = props
  const [open, setOpen] = useState<'roles' | 'profile'>()
  const close = (isDone: boolean): void => {
    setOpen(undefined)
    if (isDone) onDone()
  }
  return (
    <>
      <button type="button" onClick={() => setOpen('roles')}>
        {texts.accounts.changeRoles.action}
      </button>
      <button type="button" onClick={() => setOpen('profile')}>
        {texts.accounts.changeProfile.action}
      </button>
      {open === 'roles' && <RolesDialog account={account} onClose={close} />}
      {open === 'profile' && <ProfileDialog account={account} onClose={close} />}
    </>
  )
}

function factsOf(account: AccountDetails): readonly (readonly [string, JSX.Element | string])[] {
  const { details } = texts.accounts
  const mark = account.isEmailVerified ? details.verified : details.unverified
  const attributes = Object.entries(account.attributes)
  return [
    [details.id, <code key="id">{account.id}</code>],
    [details.email, account.email === undefined ? texts.frame.none : `${account.email} (${mark})`],
    [details.roles, <Badges key="roles" values={account.roles} />],
    [
      details.attributes,
      <Badges key="attributes" values={attributes.map(([name, value]) => `${name}: ${value}`)} />,
    ],
    [details.created, <Moment key="created" at={account.createdAt} />],
    [details.lastLogin, <Moment key="login" at={account.lastLoginAt} />],
  ]
}

function decisionsOf({ id, identifier, isBlocked }: AccountDetails): readonly Decision[] {
  const { accounts } = administration
  const { block, unblock, logOut, reset, remove } = texts.accounts
  return [
    isBlocked
      ? offer(identifier, unblock, (reason) => nothingTravels(accounts.unblock(id, { reason })), {
          outcome: <p role="status">{unblock.done(identifier)}</p>,
        })
      : offer(identifier, block, (reason) => accounts.block(id, { reason })),
    offer(identifier, logOut, (reason) => accounts.logOut(id, { reason })),
    offer(identifier, reset, (reason) => accounts.reset(id, { reason })),
    offer(identifier, remove, (reason) => accounts.delete(id, { reason }), {
      isDangerous: true,
      typed: identifier,
      leadsTo: addressOf('accounts'),
    }),
  ]
}
