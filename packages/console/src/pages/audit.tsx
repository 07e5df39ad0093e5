import type { AuditFilter } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { idOfAccount } from '../data/account-names.ts'
import { usePages } from '../data/pages.ts'
import { ChoiceField, Field } from '../elements/field.tsx'
import { addressOf, narrowTo, route } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { ChainStatus } from './chain-status.tsx'
import { PagedEvents } from './event-list.tsx'

const { filters, kinds, title } = texts.audit
const kindChoices = [
  { value: '', text: filters.anyKind },
  ...Object.entries(kinds).map(([value, text]) => ({ value, text })),
]
const textFields = [
  ['account', filters.account, filters.accountHint],
  ['actor', filters.actor, filters.actorHint],
  ['client', filters.client, filters.clientHint],
  ['session', filters.session, filters.sessionHint],
  ['from', filters.from, filters.momentHint],
  ['to', filters.to, filters.momentHint],
] as const
type Given = Readonly<Record<'kind' | (typeof textFields)[number][0], string>>

/** What happened, the newest first, and whether the record of it is whole. */
export function AuditPage(): JSX.Element {
  const given = givenIn(route.value.query)
  const pages = usePages(`audit ${JSON.stringify(given)}`, async (page) =>
    administration.audit.page(await filterOf(given), page),
  )
  return (
    <>
      <h1>{title}</h1>
      <ChainStatus />
      <div class="filters" role="search">
        <ChoiceField
          label={filters.kind}
          value={given.kind}
          choices={kindChoices}
          onChoose={(kind) => narrowTo({ ...given, kind })}
        />
        {textFields.map(([name, label, hint]) => (
          <Field
            key={name}
            label={label}
            hint={hint}
            value={given[name]}
            fault={isMoment(name) && !isKnown(given[name]) ? filters.noMoment : undefined}
            onInput={(value) => narrowTo({ ...given, [name]: value })}
          />
        ))}
      </div>
      <p>
        <a href={addressOf('audit')}>{filters.clear}</a>
      </p>
      <PagedEvents caption={title} pages={pages} />
    </>
  )
}

function givenIn(query: URLSearchParams): Given {
  const of = (name: string): string => query.get(name) ?? ''
  return {
    kind: of('kind'),
    account: of('account'),
    actor: of('actor'),
    client: of('client'),
    session: of('session'),
    from: of('from'),
    to: of('to'),
  }
}

function isMoment(name: string): boolean {
  return name === 'from' || name === 'to'
}

function isKnown(moment: string): boolean {
  return moment === '' || !Number.isNaN(Date.parse(moment))
}

/** Accounts may be given by their names; a moment that is half typed narrows nothing yet. */
async function filterOf(given: Given): Promise<AuditFilter> {
  const { kind, account, actor, client, session, from, to } = given
  return {
    ...(kind === '' ? {} : { kind }),
    ...(account === '' ? {} : { account: await idOfAccount(account) }),
    ...(actor === '' ? {} : { actor: await idOfAccount(actor) }),
    ...(client === '' ? {} : { client }),
    ...(session === '' ? {} : { session }),
    ...(from === '' || !isKnown(from) ? {} : { from: new Date(from) }),
    ...(to === '' || !isKnown(to) ? {} : { to: new Date(to) }),
  }
}
