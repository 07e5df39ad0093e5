import type { AccountInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { usePages } from '../data/pages.ts'
import { Badge, Badges } from '../elements/badge.tsx'
import { CreationHeader } from '../elements/creation.tsx'
import { ChoiceField } from '../elements/field.tsx'
import { Moment } from '../elements/moment.tsx'
import { SearchField } from '../elements/search-field.tsx'
import type { Column } from '../elements/table.tsx'
import { PagedTable } from '../elements/table.tsx'
import { addressOf, narrowTo, route } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { NewAccountDialog } from './account-forms.tsx'

const { columns: names } = texts.accounts
const columns: readonly Column<AccountInfo>[] = [
  {
    name: names.identifier,
    cell: ({ id, identifier }) => <a href={addressOf('accounts', id)}>{identifier}</a>,
  },
  { name: names.roles, cell: ({ roles }) => <Badges values={roles} /> },
  { name: names.state, cell: (account) => <AccountState account={account} /> },
  { name: names.created, cell: ({ createdAt }) => <Moment at={createdAt} />, isMinor: true },
]

export function AccountsPage(): JSX.Element {
  const { query } = route.value
  const prefix = query.get('prefix') ?? ''
  const state = query.get('state') ?? ''
  const pages = usePages(`accounts ${prefix} ${state}`, (page) =>
    administration.accounts.page(
      {
        ...(prefix === '' ? {} : { identifierPrefix: prefix }),
        ...(state === '' ? {} : { isBlocked: state === 'blocked' }),
      },
      page,
    ),
  )
  const { search, blockedFilter, title } = texts.accounts
  return (
    <>
      <CreationHeader
        title={title}
        action={texts.accounts.create.action}
        dialog={(onClose) => <NewAccountDialog onClose={onClose} />}
        onDone={pages.reload}
      />
      <div class="filters" role="search">
        <SearchField
          label={search}
          value={prefix}
          onSearch={(value) => narrowTo({ prefix: value, state })}
        />
        <ChoiceField
          label={blockedFilter.label}
          value={state}
          choices={[
            { value: '', text: blockedFilter.any },
            { value: 'blocked', text: blockedFilter.blocked },
            { value: 'open', text: blockedFilter.open },
          ]}
          onChoose={(value) => narrowTo({ prefix, state: value })}
        />
      </div>
      <PagedTable
        caption={title}
        columns={columns}
        keyOf={({ id }) => id}
        pages={pages}
        empty={prefix + state === '' ? texts.accounts.none : texts.lists.nothingFits}
      />
    </>
  )
}

export function AccountState({ account }: { readonly account: AccountInfo }): JSX.Element {
  const { state } = texts.accounts
  if (account.isBlocked) return <Badge kind="bad">{state.blocked}</Badge>
  if (account.isUnconfirmed) return <Badge kind="warning">{state.unconfirmed}</Badge>
  return <Badge kind="good">{state.open}</Badge>
}
