import type { AuditEvent } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { ClockMoment } from '../elements/moment.tsx'
import { texts } from '../text/texts.ts'
import { Actor, nameOf } from './event-list.tsx'

/** What was done, when and by whom: a line each. */
export function DoneSince({
  decisions,
}: {
  readonly decisions: readonly AuditEvent[]
}): JSX.Element {
  return (
    <>
      {decisions.map((decision) => (
        <div key={decision.kind} class="done-since">
          <strong>{nameOf(decision)}</strong> <ClockMoment at={decision.at} /> {by(decision)}
        </div>
      ))}
    </>
  )
}

/** Nobody has decided these. */
const byItself: ReadonlySet<string> = new Set(['session-limit', 'refresh-reuse'])

function by({ kind, actor, account }: AuditEvent): ComponentChildren {
  const { by: word, signedIn, itself } = texts.anomalies.doneSince
  if (actor === undefined) return account === undefined || byItself.has(kind) ? itself : signedIn
  return (
    <>
      {word} <Actor id={actor} />
    </>
  )
}
