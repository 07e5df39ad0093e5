import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Field } from '../elements/field.tsx'
import { addressOf, goTo } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { SessionList } from './session-list.tsx'

export function OverviewPage(): JSX.Element {
  const { title, latest } = texts.overview
  return (
    <>
      <h1>{title}</h1>
      <Search />
      <section>
        <h2>{latest}</h2>
        <SessionList caption={latest} filter={{ state: 'live' }} />
      </section>
    </>
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
