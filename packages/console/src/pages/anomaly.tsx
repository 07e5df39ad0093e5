import type { Anomaly, AnomalyDetails, AuditEvent } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { findAnomaly, missingRecords, timeAround } from '../data/found-anomaly.ts'
import { useLoaded } from '../data/load.ts'
import { AccountName } from '../elements/account-name.tsx'
import { Decisions } from '../elements/decisions.tsx'
import { Facts } from '../elements/facts.tsx'
import { Loaded } from '../elements/loaded.tsx'
import { Moment } from '../elements/moment.tsx'
import { addressOf } from '../navigation/route.ts'
import { useClientNames } from '../revocation/client-names.ts'
import { countText } from '../text/format.ts'
import { texts } from '../text/texts.ts'
import { decisionsFor, wordsOf } from './anomaly-decisions.tsx'
import { SessionName, Severity, Subject } from './anomaly-list.tsx'
import { DoneSince } from './done-since.tsx'
import { EventTable } from './event-list.tsx'

/** One anomaly: what it means, what led to it, and what to do. */
export function AnomalyPage({ id }: { readonly id: string }): JSX.Element {
  useClientNames()
  // An answer that there is none is an answer too.
  const loading = useLoaded(`anomaly ${id}`, async () => ({ found: await findAnomaly(id) }))
  const { value } = loading
  return (
    <>
      <a href={addressOf('anomalies')}>{texts.anomalies.back}</a>
      <Loaded loading={loading}>
        {value?.found === undefined ? (
          <p role="status">{texts.anomalies.gone}</p>
        ) : (
          <Found found={value.found} onDone={loading.reload} />
        )}
      </Loaded>
    </>
  )
}

function Found(props: {
  readonly found: AnomalyDetails
  readonly onDone: () => void
}): JSX.Element {
  const { found, onDone } = props
  const { name, meaning } = wordsOf(found)
  const words = texts.anomalies
  return (
    <>
      <header class="of-page">
        <h1>{name}</h1>
        <Severity severity={found.severity} />
      </header>
      <p>{meaning}</p>
      <ToDo found={found} onDone={onDone} />
      <section>
        <h2>{words.evidence}</h2>
        <Facts facts={factsOf(found)} />
      </section>
      <section>
        <h2>{words.records}</h2>
        {found.records.length === 0 ? (
          <p class="quiet">{words.noRecords}</p>
        ) : (
          <EventTable caption={words.records} events={found.records} />
        )}
        {missingRecords(found).map((place) => (
          <p key={place} class="quiet">
            <code>{place}</code> {words.recordGone}
          </p>
        ))}
      </section>
    </>
  )
}

function ToDo(props: { readonly found: AnomalyDetails; readonly onDone: () => void }): JSX.Element {
  const { found, onDone } = props
  const [acts, setActs] = useState(0)
  const { from, to } = timeAround(found)
  const account = found.about === 'account' ? found.subject : undefined
  const around = { from: from.toISOString(), to: to.toISOString(), account }
  const words = texts.anomalies
  return (
    <section class="to-do">
      <h2>{words.toDo}</h2>
      <p>{wordsOf(found).toDo}</p>
      <Done decisions={found.decisions} acts={acts} />
      <div class="actions">
        <Decisions
          offered={decisionsFor(found)}
          onDone={() => {
            setActs(acts + 1)
            onDone()
          }}
        />
        <a class="button" href={addressOf('audit', undefined, around)}>
          {words.history}
        </a>
      </div>
    </section>
  )
}

function Done(props: {
  readonly decisions: readonly AuditEvent[]
  readonly acts: number
}): JSX.Element {
  const { decisions, acts } = props
  const place = useRef<HTMLDivElement>(null)
  const newest = decisions[0]?.at.getTime()
  // The button that was pressed may be gone.
  useEffect(() => {
    if (acts > 0) place.current?.focus()
  }, [newest])
  return (
    <div ref={place} class="done" role="status" tabIndex={-1}>
      {decisions.length > 0 && (
        <>
          <h3>{texts.anomalies.doneSince.title}</h3>
          <DoneSince decisions={decisions} />
        </>
      )}
    </div>
  )
}

/** What somebody says, and identity cannot look at. */
const reported: ReadonlySet<string> = new Set(['refused-tokens', 'clock-apart', 'follower-behind'])

function factsOf(anomaly: Anomaly): readonly (readonly [string, ComponentChildren])[] {
  const { evidence, action } = anomaly
  const { facts, done } = texts.anomalies
  const doneWords: Readonly<Record<string, string>> = done
  const lists = [
    [facts.accounts, evidence.accounts, (id: string) => <AccountName id={id} />],
    [facts.sessions, evidence.sessions, (id: string) => <SessionName id={id} />],
    [facts.networks, evidence.networks, (network: string) => <code>{network}</code>],
    [facts.followers, evidence.followers, (follower: string) => follower],
    [
      facts.counts,
      Object.entries(evidence.counts).map(([name, count]) => counted(name, count)),
      (count: string) => count,
    ],
  ] as const
  return [
    [
      reported.has(anomaly.rule) ? facts.reportedBy : facts.about,
      <Subject key="about" anomaly={anomaly} />,
    ],
    [facts.first, <Moment key="first" at={anomaly.firstSeen} />],
    [facts.last, <Moment key="last" at={anomaly.lastSeen} />],
    [facts.count, countText(anomaly.count)],
    ...lists
      .filter(([, items]) => items.length > 0)
      .map(
        ([name, items, cell]) => [name, <Several key={name} items={items} cell={cell} />] as const,
      ),
    ...(evidence.reason === undefined
      ? []
      : [[facts.reason, texts.refusals[evidence.reason] ?? evidence.reason] as const]),
    ...(action === undefined ? [] : [[facts.done, doneWords[action] ?? action] as const]),
    [facts.id, <code key="rule">{anomaly.rule}</code>],
  ]
}

/** Refusals are counted by their reasons. */
function counted(name: string, count: number): string {
  const { counts, counted: together } = texts.anomalies
  const words = texts.refusals[name] ?? name
  return counts[name]?.(countText(count)) ?? together(words, countText(count))
}

function Several(props: {
  readonly items: readonly string[]
  readonly cell: (item: string) => ComponentChildren
}): JSX.Element {
  return (
    <ul class="plain">
      {props.items.map((item) => (
        <li key={item}>{props.cell(item)}</li>
      ))}
    </ul>
  )
}
