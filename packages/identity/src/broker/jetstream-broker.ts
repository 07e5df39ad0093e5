import { readFile } from 'node:fs/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { FeedBroker } from '../domain/feed-publication.ts'
import type { NatsSettings } from '../settings/nats.ts'

/** A broker that is connected to when it is first asked, and anew after everything that has failed. */
export interface JetStreamBroker extends FeedBroker {
  readonly close: () => Promise<void>
}

/** Twice what a token may live at most, which is an hour: whoever was away for so long takes a snapshot. */
const retentionNanos = 2 * 3_600 * 1_000_000_000
/** For how long an id is known: see `FeedBroker.store`. */
const duplicateNanos = 120 * 1_000_000_000
const answerMsMax = 2_000

interface Opened {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
  readonly isWrongPlace: (error: unknown) => boolean
}

/** Nothing of the client library is loaded before it is asked. */
export function createJetStreamBroker(settings: NatsSettings): JetStreamBroker {
  const { stream } = settings
  let opening: Promise<Opened> | undefined

  async function close(): Promise<void> {
    const opened = await opening?.catch(() => undefined)
    opening = undefined
    await opened?.connection.close()
  }

  // The stream may be gone as well as the server.
  async function ask<Answer>(question: (opened: Opened) => Promise<Answer>): Promise<Answer> {
    try {
      return await question(await (opening ??= open(settings)))
    } catch (error) {
      await close()
      throw error
    }
  }

  return {
    last: () =>
      ask(async ({ manager }) => {
        const found = await manager.streams.getMessage(stream, { last_by_subj: stream })
        return found === null ? undefined : { place: found.seq, data: found.string() }
      }),
    store: ({ id, data }, behind) =>
      ask(async ({ client, isWrongPlace }) => {
        const options = {
          msgID: id,
          timeout: answerMsMax,
          expect: { streamName: stream, lastSubjectSequence: behind },
        }
        const stored = await client.publish(stream, data, options).catch((error: unknown) => {
          if (isWrongPlace(error)) return undefined
          throw error
        })
        return stored?.seq
      }),
    close,
  }
}

async function open({ servers, stream, credentialsFile }: NatsSettings): Promise<Opened> {
  const { connect, credsAuthenticator } = await import('@nats-io/transport-node')
  const { jetstream, jetstreamManager, JetStreamApiCodes, JetStreamApiError } =
    await import('@nats-io/jetstream')
  const credentials = credentialsFile === undefined ? undefined : await readFile(credentialsFile)
  const connection = await connect({
    servers: [...servers],
    name: 'portcullis identity',
    timeout: answerMsMax,
    reconnect: false,
    pingInterval: 2_000,
    ...(credentials && { authenticator: credsAuthenticator(credentials) }),
  })
  const hasCode = (error: unknown, code: number): boolean =>
    error instanceof JetStreamApiError && error.code === code
  try {
    const manager = await jetstreamManager(connection, { timeout: answerMsMax })
    await ensureStream(manager, stream, (error) => hasCode(error, JetStreamApiCodes.StreamNotFound))
    const client = jetstream(connection, { timeout: answerMsMax })
    const isWrongPlace = (error: unknown): boolean =>
      hasCode(error, JetStreamApiCodes.StreamWrongLastSequence)
    return { connection, client, manager, isWrongPlace }
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** One that an operator has made is left as it is, replicas and all, but for what would lose what followers need. */
async function ensureStream(
  { streams }: JetStreamManager,
  name: string,
  isMissing: (error: unknown) => boolean,
): Promise<void> {
  try {
    const { config } = await streams.info(name)
    if (config.max_age === 0 || config.max_age >= retentionNanos) return
    await streams.update(name, { max_age: retentionNanos })
  } catch (error) {
    if (!isMissing(error)) throw error
    await streams.add({
      name,
      subjects: [name],
      max_age: retentionNanos,
      duplicate_window: duplicateNanos,
    })
  }
}
