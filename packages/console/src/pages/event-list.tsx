import type { AuditEvent } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Pages } from '../data/pages.ts'
import { AccountName } from '../elements/account-name.tsx'
import { Dialog } from '../elements/dialog.tsx'
import { Facts } from '../elements/facts.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { PagedTable, Table } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { exactly } from '../text/format.ts'
import { texts } from '../text/texts.ts'

interface EventListProps {
  readonly caption: string
}

export function PagedEvents(
  props: EventListProps & { readonly pages: Pages<AuditEvent>; readonly empty: string },
): JSX.Element {
  return (
    <WithDetails>
      {(onShow) => <PagedTable {...props} columns={columnsWith(onShow)} keyOf={keyOf} />}
    </WithDetails>
  )
}

export function EventTable(
  props: EventListProps & { readonly events: readonly AuditEvent[] },
): JSX.Element {
  const { caption, events } = props
  return (
    <WithDetails>
      {(onShow) => (
        <Table caption={caption} columns={columnsWith(onShow)} keyOf={keyOf} items={events} />
      )}
    </WithDetails>
  )
}

function keyOf({ chain, seq, at, kind }: AuditEvent): string {
  return `${chain} ${seq} ${at.toISOString()} ${kind}`
}

function WithDetails(props: {
  readonly children: (onShow: (event: AuditEvent) => void) => ComponentChildren
}): JSX.Element {
  const [shown, setShown] = useState<AuditEvent>()
  return (
    <>
      {props.children(setShown)}
      {shown !== undefined && (
        <Dialog title={nameOf(shown)} onClose={() => setShown(undefined)}>
          <Facts facts={factsOf(shown)} />
        </Dialog>
      )}
    </>
  )
}

function columnsWith(onShow: (event: AuditEvent) => void): readonly Column<AuditEvent>[] {
  const { columns: names, show, showOf } = texts.audit
  return [
    { name: names.at, cell: ({ at }) => <Moment at={at} /> },
    { name: names.kind, cell: nameOf },
    { name: names.account, cell: ({ account }) => account && <AccountName id={account} /> },
    { name: names.actor, cell: ({ actor }) => actor && <Actor id={actor} /> },
    { name: names.reason, cell: ({ reason }) => reason },
    { name: names.network, cell: ({ network }) => network, isMinor: true },
    {
      name: names.actions,
      cell: (event) => (
        <button
          type="button"
          class="small"
          aria-label={showOf(nameOf(event))}
          onClick={() => onShow(event)}
        >
          {show}
        </button>
      ),
    },
  ]
}

export function nameOf({ kind }: Pick<AuditEvent, 'kind'>): string {
  return texts.audit.kinds[kind] ?? kind
}

export function Actor({ id }: { readonly id: string }): JSX.Element {
  const words: Readonly<Record<string, string>> = texts.audit.actors
  return words[id] === undefined ? <AccountName id={id} /> : <>{words[id]}</>
}

/** All of it; what a record does not have is left out. */
function factsOf(event: AuditEvent): readonly (readonly [string, ComponentChildren])[] {
  const { facts, isAdopted } = texts.audit
  const { account, session, client, kid, actor, details, chain, seq } = event
  const all: readonly (readonly [string, ComponentChildren])[] = [
    [facts.at, exactly(event.at)],
    [facts.kind, <code key="kind">{event.kind}</code>],
    [facts.account, account && <AccountName id={account} />],
    [facts.actor, actor && <Actor id={actor} />],
    [facts.reason, event.reason],
    [facts.session, session && <a href={addressOf('audit', undefined, { session })}>{session}</a>],
    [facts.client, client && <a href={addressOf('clients', client)}>{client}</a>],
    [facts.kid, kid && <a href={addressOf('keys')}>{kid}</a>],
    [facts.network, event.network],
    [facts.details, details !== undefined && <code>{JSON.stringify(details)}</code>],
    [facts.term, event.term && <code>{event.term}</code>],
    [facts.place, chain !== undefined && <code>{`${chain}:${seq}`}</code>],
    [facts.adopted, event.isAdopted && isAdopted],
  ]
  return all.filter(([, value]) => value !== undefined && value !== false && value !== '')
}
