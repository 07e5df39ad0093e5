import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../data/load.ts'
import { Loaded } from '../elements/loaded.tsx'
import { SearchField } from '../elements/search-field.tsx'
import { Table } from '../elements/table.tsx'
import { addressOf, goTo } from '../navigation/route.ts'
import { useClientNames } from '../revocation/client-names.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { ActivityView } from './activity.tsx'
import { anomalyColumns } from './anomaly-list.tsx'
import { SessionList } from './session-list.tsx'

export function OverviewPage(): JSX.Element {
  const { title, latest } = texts.overview
  return (
    <>
      <h1>{title}</h1>
      <Search />
      <ActivityView />
      <NewestAnomalies />
      <section>
        <h2>{latest}</h2>
        <SessionList caption={latest} filter={{ state: 'live' }} empty={texts.sessions.nobody} />
      </section>
    </>
  )
}

const anomaliesShown = 5
const everySeconds = 10

function loadNewest(): ReturnType<typeof administration.anomalies.page> {
  return administration.anomalies.page({}, { limit: anomaliesShown })
}

function NewestAnomalies(): JSX.Element {
  useClientNames()
  const { newest, allAnomalies, noAnomalies } = texts.overview
  const loading = useLoaded('newest anomalies', loadNewest, { everySeconds })
  const items = loading.value?.items ?? []
  return (
    <section aria-label={newest}>
      <header class="of-section">
        <h2>{newest}</h2>
        <a href={addressOf('anomalies')}>{allAnomalies}</a>
      </header>
      <Loaded loading={loading}>
        {items.length === 0 ? (
          <p class="quiet">{noAnomalies}</p>
        ) : (
          <Table
            caption={newest}
            columns={anomalyColumns(loading.reload)}
            keyOf={({ id }) => id}
            items={items}
          />
        )}
      </Loaded>
    </section>
  )
}

/** Who is meant is found where one types; whoever fits is on the page of accounts. */
function Search(): JSX.Element {
  const [prefix, setPrefix] = useState('')
  return (
    <div class="filters" role="search">
      <SearchField
        label={texts.overview.find}
        hint={texts.overview.findHint}
        value={prefix}
        onSearch={setPrefix}
        onEnter={(value) => goTo(addressOf('accounts', undefined, { prefix: value }))}
      />
      {prefix !== '' && <Found prefix={prefix} />}
    </div>
  )
}

const foundShown = 6

function Found({ prefix }: { readonly prefix: string }): JSX.Element {
  const loading = useLoaded(`found ${prefix}`, () =>
    administration.accounts.page({ identifierPrefix: prefix }, { limit: foundShown }),
  )
  const { items = [], next } = loading.value ?? {}
  return (
    <div class="found" role="status">
      <Loaded loading={loading}>
        {items.length === 0 && <p class="quiet">{texts.lists.nothingFits}</p>}
        {items.map(({ id, identifier }) => (
          <a key={id} href={addressOf('accounts', id)}>
            {identifier}
          </a>
        ))}
        {next !== undefined && (
          <a href={addressOf('accounts', undefined, { prefix })}>{texts.overview.findAll}</a>
        )}
      </Loaded>
    </div>
  )
}
