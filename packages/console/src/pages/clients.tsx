import type { ClientInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { usePages } from '../data/pages.ts'
import { Badge, Badges } from '../elements/badge.tsx'
import { CreationHeader } from '../elements/creation.tsx'
import { Moment } from '../elements/moment.tsx'
import { SearchField } from '../elements/search-field.tsx'
import type { Column } from '../elements/table.tsx'
import { PagedTable } from '../elements/table.tsx'
import { addressOf, narrowTo, route } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { NewClientDialog } from './client-forms.tsx'

const { columns: names, title, search, create } = texts.clients
const columns: readonly Column<ClientInfo>[] = [
  { name: names.name, cell: ({ id, name }) => <a href={addressOf('clients', id)}>{name}</a> },
  { name: names.state, cell: (client) => <ClientState client={client} /> },
  { name: names.grants, cell: ({ grants }) => <Badges values={grants} />, isMinor: true },
  { name: names.scopes, cell: ({ scopes }) => <Badges values={scopes} /> },
  { name: names.made, cell: ({ createdAt }) => <Moment at={createdAt} />, isMinor: true },
]

export function ClientsPage(): JSX.Element {
  const name = route.value.query.get('name') ?? ''
  const pages = usePages(`clients ${name}`, (page) =>
    administration.clients.page(name === '' ? page : { ...page, name }),
  )
  return (
    <>
      <CreationHeader
        title={title}
        action={create.action}
        dialog={(onClose) => <NewClientDialog onClose={onClose} />}
        onDone={pages.reload}
      />
      <div class="filters" role="search">
        <SearchField
          label={search}
          hint={texts.clients.searchHint}
          value={name}
          onSearch={(value) => narrowTo({ name: value })}
        />
      </div>
      <PagedTable
        caption={title}
        columns={columns}
        keyOf={({ id }) => id}
        pages={pages}
        empty={name === '' ? texts.clients.none : texts.clients.noneCalled(name)}
      />
    </>
  )
}

export function ClientState({ client }: { readonly client: ClientInfo }): JSX.Element {
  const { enabled, disabled } = texts.clients.state
  return client.isEnabled ? (
    <Badge kind="good">{enabled}</Badge>
  ) : (
    <Badge kind="bad">{disabled}</Badge>
  )
}
