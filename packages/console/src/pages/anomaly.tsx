import type { Anomaly } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { findAnomaly, timeAround } from '../data/found-anomaly.ts'
import type { FoundAnomaly } from '../data/found-anomaly.ts'
import { useLoaded } from '../data/load.ts'
import { AccountName } from '../elements/account-name.tsx'
import { Decisions } from '../elements/decisions.tsx'
import { Facts } from '../elements/facts.tsx'
import { Moment } from '../elements/moment.tsx'
import { Loaded } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { decisionsFor, wordsOf } from './anomaly-decisions.tsx'
import { SessionName, Severity, Subject } from './anomaly-list.tsx'
import { EventTable } from './event-list.tsx'

/** One anomaly: what it means, what led to it, and what to do. */
export function AnomalyPage({ id }: { readonly id: string }): JSX.Element {
  // An answer that there is none is an answer too.
  const loading = useLoaded(`anomaly ${id}`, async () => ({ found: await findAnomaly(id) }))
  const { value } = loading
  return (
    <>
      <a href={addressOf('anomalies')}>{texts.anomalies.back}</a>
      <Loaded loading={loading}>
        {value?.found === undefined ? (
          <p class="quiet">{texts.anomalies.gone}</p>
        ) : (
          <Found found={value.found} onDone={loading.reload} />
        )}
      </Loaded>
    </>
  )
}

function Found(props: { readonly found: FoundAnomaly; readonly onDone: () => void }): JSX.Element {
  const { anomaly, records, missing } = props.found
  const { name, meaning, toDo } = wordsOf(anomaly)
  const { from, to } = timeAround(anomaly)
  const account = anomaly.about === 'account' ? anomaly.subject : undefined
  const around = { from: from.toISOString(), to: to.toISOString(), account }
  const words = texts.anomalies
  return (
    <>
      <header class="of-page">
        <h1>{name}</h1>
        <Severity severity={anomaly.severity} />
      </header>
      <p>{meaning}</p>
      <section class="to-do">
        <h2>{words.toDo}</h2>
        <p>{toDo}</p>
        <div class="actions">
          <Decisions offered={decisionsFor(anomaly)} onDone={props.onDone} />
          <a class="button" href={addressOf('audit', undefined, around)}>
            {words.history}
          </a>
        </div>
      </section>
      <section>
        <h2>{words.evidence}</h2>
        <Facts facts={factsOf(anomaly)} />
      </section>
      <section>
        <h2>{words.records}</h2>
        {records.length === 0 ? (
          <p class="quiet">{words.noRecords}</p>
        ) : (
          <EventTable caption={words.records} events={records} />
        )}
        {missing.map((place) => (
          <p key={place} class="quiet">
            <code>{place}</code> {words.recordGone}
          </p>
        ))}
      </section>
    </>
  )
}

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
      Object.entries(evidence.counts).map(([name, count]) => `${name}: ${count}`),
      (count: string) => count,
    ],
  ] as const
  return [
    [facts.about, <Subject key="about" anomaly={anomaly} />],
    [facts.first, <Moment key="first" at={anomaly.firstSeen} />],
    [facts.last, <Moment key="last" at={anomaly.lastSeen} />],
    [facts.count, anomaly.count.toLocaleString()],
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
