import type { AccountDetails } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../data/load.ts'
import { Badges } from '../elements/badge.tsx'
import type { Decision } from '../elements/decision.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Facts } from '../elements/facts.tsx'
import { Moment } from '../elements/moment.tsx'
import { Loaded } from '../elements/table.tsx'
import { addressOf, goTo } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { AccountState } from './accounts.tsx'
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
  const [chosen, setChosen] = useState<Offered>()
  const [changes, setChanges] = useState(0)
  return (
    <>
      <header class="of-page">
        <h1>{account.identifier}</h1>
        <AccountState account={account} />
      </header>
      <Facts facts={factsOf(account)} />
      <div class="actions">
        {decisionsOf(account).map((offered) => (
          <button
            key={offered.decision.action}
            type="button"
            class={offered.decision.isDangerous === true ? 'danger' : undefined}
            onClick={() => setChosen(offered)}
          >
            {offered.decision.action}
          </button>
        ))}
        <a class="button" href={addressOf('audit', undefined, { account: account.id })}>
          {texts.accounts.history}
        </a>
      </div>
      <section>
        <h2>{texts.accounts.sessions}</h2>
        <SessionList
          key={changes}
          caption={texts.accounts.sessions}
          filter={{ account: account.id }}
        />
      </section>
      {chosen !== undefined && (
        <DecisionDialog
          decision={chosen.decision}
          onClose={(isDone) => {
            setChosen(undefined)
            if (!isDone) return
            if (chosen.isLast) return goTo(addressOf('accounts'))
            setChanges(changes + 1)
            onChange()
          }}
        />
      )}
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

interface Offered {
  readonly decision: Decision
  /** Nothing is left of the account afterwards. */
  readonly isLast: boolean
}

function decisionsOf({ id, identifier, isBlocked }: AccountDetails): readonly Offered[] {
  const { accounts } = administration
  const { block, unblock, logOut, reset, remove } = texts.accounts
  const offer = (
    { action, title, text }: typeof block,
    run: Decision['run'],
    more: Partial<Decision> = { isDangerous: true },
  ): Offered => ({
    decision: { title: title(identifier), explanation: text, action, run, ...more },
    isLast: more.typed !== undefined,
  })
  return [
    isBlocked
      ? offer(unblock, (reason) => accounts.unblock(id, { reason }).then(() => undefined), {})
      : offer(block, (reason) => accounts.block(id, { reason })),
    offer(logOut, (reason) => accounts.logOut(id, { reason })),
    offer(reset, (reason) => accounts.reset(id, { reason })),
    offer(remove, (reason) => accounts.delete(id, { reason }), {
      isDangerous: true,
      typed: identifier,
    }),
  ]
}
