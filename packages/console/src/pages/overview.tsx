import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../data/load.ts'
import { Field } from '../elements/field.tsx'
import { Loaded, Table } from '../elements/table.tsx'
import { addressOf, goTo } from '../navigation/route.ts'
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
        <SessionList caption={latest} filter={{ state: 'live' }} />
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

function Search(): JSX.Element {
  const [prefix, setPrefix] = useState('')
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        goTo(addressOf('accounts', undefined, { prefix }))
      }}
    >
      <Field
        label={texts.overview.find}
        hint={texts.overview.findHint}
        value={prefix}
        onInput={setPrefix}
      />
    </form>
  )
}
