import type { Anomaly } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { AccountName } from '../elements/account-name.tsx'
import type { BadgeKind } from '../elements/badge.tsx'
import { Badge } from '../elements/badge.tsx'
import { Decisions } from '../elements/decisions.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { decisionsFor, wordsOf } from './anomaly-decisions.tsx'

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
    { name: names.count, cell: ({ count }) => count.toLocaleString(), isMinor: true },
    {
      name: names.actions,
      cell: (anomaly) => (
        <Decisions offered={decisionsFor(anomaly).slice(0, 1)} onDone={onDone} isSmall />
      ),
    },
  ]
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
  switch (about) {
    case 'account':
      return <AccountName id={subject} />
    case 'session':
      return <SessionName id={subject} />
    case 'client':
      return <a href={addressOf('clients', subject)}>{subject}</a>
    case 'key':
      return <a href={addressOf('keys')}>{subject}</a>
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

/** Of a session there is what the audit record has. */
export function SessionName({ id }: { readonly id: string }): JSX.Element {
  return (
    <a href={addressOf('audit', undefined, { session: id })}>
      {texts.anomalies.about.session} <code>{id.slice(0, 8)}…</code>
    </a>
  )
}
