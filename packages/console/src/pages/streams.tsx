import type { StreamInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { usePages } from '../data/pages.ts'
import { Badge, Badges } from '../elements/badge.tsx'
import { CreationHeader } from '../elements/creation.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { PagedTable } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { NewWebhookDialog } from './webhook-form.tsx'

const { columns: names, title, text, create } = texts.streams
const columns: readonly Column<StreamInfo>[] = [
  {
    name: names.to,
    cell: (stream) => <a href={addressOf('streams', stream.id)}>{nameOf(stream)}</a>,
  },
  { name: names.events, cell: ({ events }) => <Badges values={events} />, isMinor: true },
  { name: names.state, cell: (stream) => <StreamState stream={stream} /> },
  { name: names.delivered, cell: ({ deliveredAt }) => <Moment at={deliveredAt} /> },
]

export function StreamsPage(): JSX.Element {
  const pages = usePages('streams', (page) => administration.streams.page(page))
  return (
    <>
      <CreationHeader
        title={title}
        action={create.action}
        dialog={(onClose) => <NewWebhookDialog onClose={onClose} />}
        onDone={pages.reload}
      />
      <p class="quiet">{text}</p>
      <PagedTable
        caption={title}
        columns={columns}
        keyOf={({ id }) => id}
        pages={pages}
        empty={texts.streams.none}
      />
    </>
  )
}

/** What people call it: what was said of it, or where it goes. */
export function nameOf({ description, endpointUrl, audience }: StreamInfo): string {
  return description ?? endpointUrl ?? audience
}

export function StreamState({ stream }: { readonly stream: StreamInfo }): JSX.Element {
  const { enabled, failing } = texts.streams.state
  if (stream.status !== 'enabled') return <Badge kind="bad">{stream.status}</Badge>
  if (stream.failures > 0) return <Badge kind="warning">{failing(stream.failures)}</Badge>
  return <Badge kind="good">{enabled}</Badge>
}
