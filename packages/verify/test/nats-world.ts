import type { TestContext } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { createJetStreamFeed } from '@portcullis/verify/nats'
import type { BrokeredFeed } from '@portcullis/verify/nats'
import { howToGet, natsServer } from '../../../tools/debian-packages.ts'
import { startNatsServer } from '../../../tools/nats-server.ts'
import { startTcpProxy } from './tcp-proxy.ts'

/** Why tests of the broker are skipped here; false where they run. */
export const withoutNats: string | false =
  natsServer.find() === undefined ? howToGet(natsServer) : false

const streamName = 'portcullis-revocations'

/** A real broker, and a service's connection to it. */
export interface Broker {
  readonly feed: BrokeredFeed
  /** Stores one message, as identity would. */
  readonly publish: (data: string) => Promise<void>
  readonly consumers: () => Promise<number>
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  /** From now on nothing passes between the service and the broker; connections stay open. */
  readonly goSilent: () => void
  readonly heal: () => void
}

function connectTo(servers: string): ReturnType<typeof connect> {
  return connect({
    servers,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 0,
    pingInterval: 1_000,
    maxPingOut: 2,
  })
}

export async function startBroker(t: TestContext): Promise<Broker> {
  const server = await startNatsServer()
  const proxy = await startTcpProxy(t, `http://${server.address}`)
  const [own, service] = await Promise.all([connectTo(server.address), connectTo(proxy.address)])
  t.after(async () => {
    await Promise.all([own.close(), service.close()])
    await server.remove()
  })
  const manager = await jetstreamManager(own)
  await manager.streams.add({ name: streamName, subjects: [streamName] })
  const client = jetstream(own)
  return {
    feed: createJetStreamFeed({ connection: service }),
    publish: async (data) => {
      await client.publish(streamName, data)
    },
    consumers: async () => (await manager.streams.info(streamName)).state.consumer_count,
    kill: server.kill,
    start: server.start,
    goSilent: proxy.goSilent,
    heal: proxy.heal,
  }
}
