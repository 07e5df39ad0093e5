import process from 'node:process'
import { freePort } from '../../tools/free-port.ts'
import { howToGet, installMissing, natsServer } from '../../tools/debian-packages.ts'
import { startNatsServer } from '../../tools/nats-server.ts'
import { startPostgres } from '../../tools/postgres-server.ts'
import type { FeedWay, FollowedNode } from './follower.ts'
import type { IdentityFolder } from './identity-server.ts'
import { makeIdentityFolder, removeFolder, startIdentityIn } from './identity-server.ts'
import { otherCore, pinnedTo } from './pinning.ts'
import { startRelayIn } from './relay-server.ts'
import type { ServerProcess } from './server-process.ts'

/** An issuer, and all that stands between it and those who follow its feed. */
export interface FeedScene {
  readonly folder: IdentityFolder
  readonly revoking: ServerProcess
  readonly followed: FollowedNode
  readonly ways: readonly FeedWay[]
  readonly end: () => Promise<void>
}

export interface FeedSceneRequest {
  readonly sessions: number
  /** With PostgreSQL everybody follows another node than the one that revokes. */
  readonly store: 'sqlite' | 'postgres'
  /** Also a relay, and NATS JetStream where this machine has it. */
  readonly isNearby: boolean
}

/** Undefined where npm has no PostgreSQL for this machine. */
export async function startFeedScene(request: FeedSceneRequest): Promise<FeedScene | undefined> {
  const ends: (() => Promise<void>)[] = []
  const end = async (): Promise<void> => {
    for (const step of ends.toReversed()) await step()
  }
  try {
    return await build(request, end, (step) => void ends.push(step))
  } catch (error) {
    await end()
    throw error
  }
}

type OnEnd = (step: () => Promise<void>) => void

async function build(
  { sessions, store, isNearby }: FeedSceneRequest,
  end: FeedScene['end'],
  onEnd: OnEnd,
): Promise<FeedScene | undefined> {
  const postgres = store === 'postgres' ? await startPostgres({ isDurable: true }) : undefined
  if (store === 'postgres' && postgres === undefined) return undefined
  if (postgres !== undefined) onEnd(postgres.remove)
  const broker = isNearby ? await startBroker(onEnd) : undefined
  const folder = await makeIdentityFolder(sessions, postgres?.url)
  onEnd(async () => removeFolder(folder))
  const nats = broker && { servers: [broker.address] }
  const revoking = await startIdentityIn(folder, 'RS256', { ...(nats && { nats }) })
  onEnd(revoking.stop)
  const { issuer } = folder
  const { origin } = store === 'sqlite' ? revoking : await startSecondNode(folder, onEnd)
  const relay = isNearby ? await startRelay(folder, onEnd) : undefined
  const ways = [{ kind: 'issuer' } as const, relay, broker].filter((way) => way !== undefined)
  return { folder, revoking, followed: { issuer, origin }, ways, end }
}

/** Over the same database, under the same name. */
async function startSecondNode(folder: IdentityFolder, onEnd: OnEnd): Promise<ServerProcess> {
  const ports = { identity: await freePort(), operations: await freePort() }
  const server = await startIdentityIn({ ...folder, ports }, 'RS256')
  onEnd(server.stop)
  return server
}

async function startRelay(folder: IdentityFolder, onEnd: OnEnd): Promise<FeedWay> {
  const { origin, stop } = await startRelayIn(folder)
  onEnd(stop)
  return { kind: 'relay', origin }
}

/** Undefined where there is none, which is said. */
async function startBroker(
  onEnd: OnEnd,
): Promise<Extract<FeedWay, { kind: 'broker' }> | undefined> {
  installMissing([natsServer])
  if (natsServer.find() === undefined) {
    const missing = howToGet(natsServer)
    if (process.env['CI'] === 'true')
      throw new Error(`with CI=true nothing is left out: ${missing}`)
    process.stderr.write(`LEFT OUT: ${missing}\n`)
    return undefined
  }
  const { address, remove } = await startNatsServer({
    startedBy: (command) => pinnedTo(otherCore, command),
  })
  onEnd(remove)
  return { kind: 'broker', address }
}
