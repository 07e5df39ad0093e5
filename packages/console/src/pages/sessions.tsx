import type { JSX } from 'preact'
import { ChoiceField } from '../elements/field.tsx'
import { narrowTo, route } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { SessionList } from './session-list.tsx'

export function SessionsPage(): JSX.Element {
  const { title, state } = texts.sessions
  const shown = route.value.query.get('state') === 'all' ? 'all' : 'live'
  return (
    <>
      <h1>{title}</h1>
      <div class="filters">
        <ChoiceField
          label={state.label}
          value={shown}
          choices={[
            { value: 'live', text: state.live },
            { value: 'all', text: state.all },
          ]}
          onChoose={(value) => narrowTo({ state: value })}
        />
      </div>
      <SessionList caption={title} filter={{ state: shown }} />
    </>
  )
}
