import type { TestContext } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Checkpoint } from '@portcullis/protocol/revocations'
import { decodeRecords, parseFrame, unverifiedCheckpoint } from '@portcullis/protocol/revocations'
import { howToGet, natsServer } from '../../../tools/debian-packages.ts'
import { startNatsServer } from '../../../tools/nats-server.ts'

/** Why tests of the broker are skipped here; false where they run. */
export const withoutNats: string | false =
  natsServer.find() === undefined ? howToGet(natsServer) : false

const stream = 'portcullis-revocations'

/** What the broker has stored, as a follower would read it. */
export interface StoredFrame {
  readonly id: string | undefined
  readonly checkpoint: Checkpoint
  readonly records: Buffer
  /** The `seq` of each of its records. */
  readonly seqs: readonly number[]
}

export interface NatsBroker {
  /** For identity's file. */
  readonly file: { readonly nats: { readonly servers: readonly string[] } }
  readonly frames: () => Promise<readonly StoredFrame[]>
  /** Stores what identity has not written. */
  readonly store: (data: string) => Promise<void>
  readonly deleteStream: () => Promise<void>
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
}

export async function startNatsBroker(t: TestContext): Promise<NatsBroker> {
  const server = await startNatsServer()
  t.after(server.remove)
  const connected = async <Answer>(
    task: (connection: Awaited<ReturnType<typeof connect>>) => Promise<Answer>,
  ): Promise<Answer> => {
    const connection = await connect({ servers: server.address })
    try {
      return await task(connection)
    } finally {
      await connection.close()
    }
  }
  const manage = <Answer>(
    task: (streams: Awaited<ReturnType<typeof jetstreamManager>>['streams']) => Promise<Answer>,
  ): Promise<Answer> =>
    connected(async (connection) => task((await jetstreamManager(connection)).streams))
  return {
    file: { nats: { servers: [server.address] } },
    frames: () =>
      manage(async (streams) => {
        const { state } = await streams.info(stream)
        const found: StoredFrame[] = []
        for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
          const message = await streams.getMessage(stream, { seq })
          if (message !== null) {
            found.push({ ...read(message.string()), id: message.header.get('Nats-Msg-Id') })
          }
        }
        return found
      }),
    store: (data) =>
      connected(async (connection) => void (await jetstream(connection).publish(stream, data))),
    deleteStream: () => manage(async (streams) => void (await streams.delete(stream))),
    kill: server.kill,
    start: server.start,
  }
}

function read(data: string): Omit<StoredFrame, 'id'> {
  const frame = parseFrame(data)
  const checkpoint = frame && unverifiedCheckpoint(frame.checkpoint)
  if (frame === undefined || checkpoint === undefined) throw new Error(`no frame: ${data}`)
  const seqs = (decodeRecords(frame.records) ?? []).map(({ seq }) => seq)
  return { checkpoint, records: frame.records, seqs }
}
