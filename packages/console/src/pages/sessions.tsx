import type { JSX } from 'preact'
import { ChoiceField } from '../elements/field.tsx'
import { SearchField } from '../elements/search-field.tsx'
import { narrowTo, route } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { SessionList } from './session-list.tsx'

export function SessionsPage(): JSX.Element {
  const { title, state, search, searchHint } = texts.sessions
  const { query } = route.value
  const shown = query.get('state') === 'all' ? 'all' : 'live'
  const account = query.get('account') ?? ''
  return (
    <>
      <h1>{title}</h1>
      <div class="filters" role="search">
        <SearchField
          label={search}
          hint={searchHint}
          value={account}
          onSearch={(value) => narrowTo({ account: value, state: shown })}
        />
        <ChoiceField
          label={state.label}
          value={shown}
          choices={[
            { value: 'live', text: state.live },
            { value: 'all', text: state.all },
          ]}
          onChoose={(value) => narrowTo({ account, state: value })}
        />
      </div>
      <SessionList
        caption={title}
        filter={{ state: shown }}
        of={account}
        empty={texts.lists.nothingFits}
      />
    </>
  )
}
