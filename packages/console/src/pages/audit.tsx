import type { JSX } from 'preact'
import type { EventPage, GivenFilters } from '../data/audit-filters.ts'
import { eventsThatFit, filtersIn, isMoment, isTurnedRound } from '../data/audit-filters.ts'
import { usePages } from '../data/pages.ts'
import { ChoiceField } from '../elements/field.tsx'
import { MomentFilter } from '../elements/filters.tsx'
import { SearchField } from '../elements/search-field.tsx'
import { addressOf, narrowTo, route } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { ChainStatus } from './chain-status.tsx'
import { PagedEvents } from './event-list.tsx'

const { filters, kinds, title } = texts.audit
const kindChoices = [
  { value: '', text: filters.anyKind },
  ...Object.entries(kinds).map(([value, text]) => ({ value, text })),
]
const textFilters = [
  ['account', filters.account, filters.nameHint],
  ['actor', filters.actor, filters.nameHint],
  ['client', filters.client, filters.nameHint],
  ['session', filters.session, filters.idHint],
] as const

/** What happened, the newest first, and whether the record of it is whole. */
export function AuditPage(): JSX.Element {
  const given = filtersIn(route.value.query)
  const isNarrowed = Object.values(given).some((value) => value !== '')
  const pages = usePages(`audit ${JSON.stringify(given)}`, (page) => eventsThatFit(given, page))
  return (
    <>
      <h1>{title}</h1>
      <ChainStatus />
      <section>
        <h2>{filters.title}</h2>
        <Filters given={given} />
        {isNarrowed && (
          <p>
            <a href={addressOf('audit')}>{filters.clear}</a>
          </p>
        )}
        <PagedEvents caption={title} pages={pages} empty={emptyText(pages.value)} />
      </section>
    </>
  )
}

function Filters({ given }: { readonly given: GivenFilters }): JSX.Element {
  const narrow = (name: keyof GivenFilters) => (value: string) =>
    narrowTo({ ...given, [name]: value })
  return (
    <div class="filters many" role="search">
      <ChoiceField
        label={filters.kind}
        value={given.kind}
        choices={kindChoices}
        onChoose={narrow('kind')}
      />
      {textFilters.map(([name, label, hint]) => (
        <SearchField
          key={name}
          label={label}
          hint={hint}
          value={given[name]}
          onSearch={narrow(name)}
        />
      ))}
      {(['from', 'to'] as const).map((name) => (
        <MomentFilter
          key={name}
          label={filters[name]}
          value={given[name]}
          fault={faultOf(name, given)}
          onSettle={narrow(name)}
        />
      ))}
    </div>
  )
}

function faultOf(name: 'from' | 'to', given: GivenFilters): string | undefined {
  if (given[name] !== '' && !isMoment(given[name])) return filters.noMoment
  return name === 'to' && isTurnedRound(given) ? filters.turnedRound : undefined
}

function emptyText(told: EventPage | undefined): string {
  const { unknownName } = told ?? {}
  return unknownName === undefined ? texts.audit.empty : filters.unknown(unknownName)
}
