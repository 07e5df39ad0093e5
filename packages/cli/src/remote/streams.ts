import type { StreamInfo } from '@portcullis/client/admin'
import { namesIn, readTextFile } from '../given-text.ts'
import { printable } from '../printable.ts'
import { asAdministrator } from './administration.ts'
import type { DecisionOptions, RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import { orNone } from './named.ts'
import { say } from './said.ts'
import type { Column } from './table.ts'
import { printJsonList, printTable } from './table.ts'

export interface StreamCreationOptions extends RemoteOptions {
  readonly push: string
  readonly events: string
  readonly authorizationFile?: string
  readonly audience?: string
  readonly description?: string
  readonly reason?: string
}

/** Makes a webhook. */
export async function runStreamsCreate(options: StreamCreationOptions): Promise<void> {
  const { push, authorizationFile, audience, description, reason } = options
  const webhook = {
    endpointUrl: push,
    events: namesIn(options.events),
    ...(authorizationFile !== undefined && {
      authorizationHeader: readTextFile(authorizationFile).trim(),
    }),
    ...(audience !== undefined && { audience }),
    ...(description !== undefined && { description }),
    ...(reason !== undefined && { reason }),
  }
  const stream = await asAdministrator(readAdministrator(options), ({ streams }) =>
    streams.create(webhook),
  )
  const what = `${stream.events.join(', ')} from now on`
  const sentence = `the stream ${printable(stream.id)} pushes ${what}`
  say(options, membersOf(stream), `${sentence}; its tokens are for ${printable(stream.audience)}`)
}

/** Prints every stream of every page, those of clients too. */
export async function runStreamsList(options: RemoteOptions): Promise<void> {
  await asAdministrator(readAdministrator(options), ({ streams }) =>
    options.json === true
      ? printJsonList('streams', membersOfAll(streams.list()), process.stdout)
      : printTable(streams.list(), columns, process.stdout),
  )
}

export async function runStreamsDelete(id: string, options: DecisionOptions): Promise<void> {
  const { reason } = options
  await asAdministrator(readAdministrator(options), ({ streams }) =>
    orNone(streams.delete(id, { reason }), 'stream', id),
  )
  say(options, { id, deleted: true }, `the stream ${printable(id)} is gone`)
}

const columns: readonly Column<StreamInfo>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'STATUS', of: ({ status }) => status },
  {
    title: 'TO',
    of: ({ endpointUrl, client }) => endpointUrl ?? `polled by ${client ?? 'nobody'}`,
  },
  { title: 'EVENTS', of: ({ events }) => events },
  { title: 'DELIVERED_AT', of: ({ deliveredAt }) => deliveredAt },
  { title: 'FAILURES', of: ({ failures }) => String(failures) },
  { title: 'UNDELIVERED', of: ({ undelivered }) => String(undelivered) },
  { title: 'DROPPED', of: ({ dropped }) => String(dropped) },
  {
    title: 'LAST_FAILURE',
    of: ({ failures, lastFailure }) => (failures > 0 ? lastFailure : undefined),
  },
]

async function* membersOfAll(streams: AsyncIterable<StreamInfo>): AsyncIterable<object> {
  for await (const stream of streams) yield membersOf(stream)
}

function membersOf(stream: StreamInfo): object {
  const { endpointUrl, statusReason, createdAt, deliveredAt, failedAt, lastFailure, ...same } =
    stream
  return {
    ...same,
    endpoint_url: endpointUrl,
    status_reason: statusReason,
    created_at: createdAt,
    delivered_at: deliveredAt,
    failed_at: failedAt,
    last_failure: lastFailure,
  }
}
