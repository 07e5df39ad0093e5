import type { StreamInfo, UndeliveredEvent } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useLoaded } from '../data/load.ts'
import { Badges } from '../elements/badge.tsx'
import type { Decision } from '../elements/decision.tsx'
import { Decisions, nothingTravels } from '../elements/decisions.tsx'
import { Facts } from '../elements/facts.tsx'
import { Loaded } from '../elements/loaded.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { Table } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { nameOf, StreamState } from './streams.tsx'

const pollSeconds = 10
const { columns: names, title: undeliveredTitle } = texts.streams.undelivered
const columns: readonly Column<UndeliveredEvent>[] = [
  { name: names.event, cell: ({ event }) => event },
  { name: names.happened, cell: ({ happenedAt }) => <Moment at={happenedAt} /> },
  { name: names.tries, cell: ({ tries }) => tries },
  { name: names.why, cell: ({ why }) => why },
]

/** One stream: how it goes with it, and what its receiver has refused. */
export function StreamPage({ id }: { readonly id: string }): JSX.Element {
  const loading = useLoaded(`stream ${id}`, () => administration.streams.read(id), {
    everySeconds: pollSeconds,
  })
  const known = loading.value
  return (
    <Loaded loading={loading}>
      {known !== undefined && (
        <>
          <header class="of-page">
            <h1>{nameOf(known.stream)}</h1>
            <StreamState stream={known.stream} />
          </header>
          <Facts facts={factsOf(known.stream)} />
          <div class="actions">
            <Decisions offered={decisionsOf(known.stream)} onDone={loading.reload} />
          </div>
          {known.undelivered.length > 0 && (
            <section>
              <h2>{undeliveredTitle}</h2>
              <Table
                caption={undeliveredTitle}
                columns={columns}
                keyOf={({ jti }) => jti}
                items={known.undelivered}
              />
            </section>
          )}
        </>
      )}
    </Loaded>
  )
}

function factsOf(stream: StreamInfo): readonly (readonly [string, ComponentChildren])[] {
  const { details, delivery, columns: of, create } = texts.streams
  return [
    [details.id, <code key="id">{stream.id}</code>],
    [create.address, stream.endpointUrl ?? texts.frame.none],
    [details.audience, stream.audience],
    [details.delivery, delivery[stream.delivery]],
    [details.client, stream.client ?? texts.frame.none],
    [of.events, <Badges key="events" values={stream.events} />],
    [details.created, <Moment key="created" at={stream.createdAt} />],
    [details.delivered, <Moment key="delivered" at={stream.deliveredAt} />],
    [details.failed, <Moment key="failed" at={stream.failedAt} />],
    [details.why, stream.statusReason ?? stream.lastFailure ?? texts.frame.none],
    [details.dropped, stream.dropped],
    [details.undelivered, stream.undelivered],
  ]
}

function decisionsOf({ id, undelivered }: StreamInfo): readonly Decision[] {
  const { streams } = administration
  const { remove, redeliver } = texts.streams
  const again: Decision = {
    title: redeliver.title,
    explanation: redeliver.text,
    action: redeliver.action,
    outcome: <p role="status">{redeliver.done}</p>,
    run: (reason) => nothingTravels(streams.redeliver(id, { reason })),
  }
  const removal: Decision = {
    title: remove.title,
    explanation: remove.text,
    action: remove.action,
    isDangerous: true,
    leadsTo: addressOf('streams'),
    outcome: <p role="status">{remove.done}</p>,
    run: (reason) => nothingTravels(streams.delete(id, { reason })),
  }
  return undelivered > 0 ? [again, removal] : [removal]
}
