import type { Anomaly } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { clientName } from '../revocation/client-names.ts'
import { AccountName } from '../elements/account-name.tsx'
import type { BadgeKind } from '../elements/badge.tsx'
import { Badge } from '../elements/badge.tsx'
import { Decisions } from '../elements/decisions.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { countText } from '../text/format.ts'
import { texts } from '../text/texts.ts'
import { firstDecisionFor, wordsOf } from './anomaly-decisions.tsx'
import { DoneSince } from './done-since.tsx'

const { columns: names } = texts.anomalies

/** Each with the action that fits best. */
export function anomalyColumns(onDone: () => void): readonly Column<Anomaly>[] {
  return [
    {
      name: names.rule,
      cell: (anomaly) => <a href={addressOf('anomalies', anomaly.id)}>{wordsOf(anomaly).name}</a>,
    },
    { name: names.severity, cell: ({ severity }) => <Severity severity={severity} /> },
    { name: names.subject, cell: (anomaly) => <Subject anomaly={anomaly} /> },
    { name: names.lastSeen, cell: ({ lastSeen }) => <Moment at={lastSeen} /> },
    { name: names.count, cell: ({ count }) => countText(count), isMinor: true },
    {
      name: names.actions,
      cell: (anomaly) => <Next anomaly={anomaly} onDone={onDone} />,
    },
  ]
}

/** What was done about it last, and what should be done as long as nothing was. */
function Next(props: {
  readonly anomaly: Anomaly
  readonly onDone: () => void
}): JSX.Element | undefined {
  const { anomaly, onDone } = props
  const done = anomaly.decisions.slice(0, 1)
  const offered = firstDecisionFor(anomaly)
  if (done.length + offered.length === 0) return undefined
  return (
    <div class="next">
      <DoneSince decisions={done} />
      <Decisions offered={offered} onDone={onDone} isSmall />
    </div>
  )
}

const severityKinds: Readonly<Record<string, BadgeKind>> = { critical: 'bad', warning: 'warning' }

export function Severity({ severity }: { readonly severity: string }): JSX.Element {
  const words: Readonly<Record<string, string>> = texts.anomalies.severities
  return <Badge kind={severityKinds[severity] ?? 'plain'}>{words[severity] ?? severity}</Badge>
}

/** What it is about, and where more of that is to be seen. */
export function Subject({ anomaly }: { readonly anomaly: Anomaly }): JSX.Element {
  const { about, subject } = anomaly
  const words: Readonly<Record<string, string>> = texts.anomalies.about
  const kind = words[about] ?? about
  const { others, unnamed } = texts.anomalies.subjects
  if (subject === 'others') return <>{others}</>
  switch (about) {
    case 'account':
      return <AccountName id={subject} />
    case 'session':
      return <SessionName id={subject} />
    case 'client':
      return subject === 'unnamed' ? <>{unnamed}</> : <ClientLink id={subject} />
    case 'key':
      return (
        <a href={addressOf('keys')} title={subject}>
          {kind} <code>{subject.slice(0, 8)}…</code>
        </a>
      )
    case 'issuer':
      return <>{kind}</>
    default:
      return (
        <span>
          {kind} <code>{subject}</code>
        </span>
      )
  }
}

function ClientLink({ id }: { readonly id: string }): JSX.Element {
  return (
    <a href={addressOf('clients', id)} title={id}>
      {clientName(id) ?? id}
    </a>
  )
}

/** Of a session there is what the audit record has. */
export function SessionName({ id }: { readonly id: string }): JSX.Element {
  return (
    <a href={addressOf('audit', undefined, { session: id })}>
      {texts.anomalies.about.session} <code>{id.slice(0, 8)}…</code>
    </a>
  )
}
