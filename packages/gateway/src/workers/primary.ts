import cluster from 'node:cluster'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log, Repeat, Running, StartError } from '@portcullis/runtime'
import { parseSettingsText, readSettingsText } from '@portcullis/runtime'
import { fixedMembers, withFixedMembers } from '../settings/fixed-members.ts'
import type { FollowedFile } from '../settings/followed-file.ts'
import { followFile } from '../settings/followed-file.ts'
import { parseGatewaySettings } from '../settings/parsed-file.ts'
import type { GatewaySettings } from '../settings/settings.ts'
import { createCrew } from './crew.ts'
import { createMember } from './member.ts'
import { createWorkerOperations } from './operations.ts'

export interface GatewayWorkersOptions {
  readonly workers: number
  readonly log: Log
  /** Calls for the looks at the file. Default: a timer. */
  readonly repeat?: Repeat
  /** The program of a worker; for tests. Default our own. */
  readonly program?: string
}

export interface GatewayWorkers extends Running {
  readonly port: number
  readonly operationsPort: number | undefined
  readonly stopSecondsMax: () => number
  /** Has all workers take the file as it is now. Says in the log what came of it, and never rejects. */
  readonly reload: () => Promise<void>
  /** Settles when a worker ends again and again as soon as it is there; it is time to `close` then. */
  readonly givenUp: Promise<StartError>
}

/** Beside what the workers may take. */
const closeSecondsMax = 7

/**
 * The gateway as several processes that listen on one port: this one holds no traffic but starts the others, has them
 * all take the same file at the same moment, puts another one in the place of one that ends, and tells of all of them
 * on the operations listener. Once in a process, by Node's `cluster`. Throws a `StartError` where one gateway would.
 */
export async function startGatewayWorkers(
  path: string,
  { workers, log, repeat, program = sibling('./worker-entry') }: GatewayWorkersOptions,
): Promise<GatewayWorkers> {
  const text = readSettingsText(path)
  const first = parseGatewaySettings(parseSettingsText(text, path), path)
  // Not the operating system, which gives most connections to few.
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: program, args: [], serialization: 'advanced' })
  const givenUp = Promise.withResolvers<StartError>()
  const workerOperations = createWorkerOperations()
  const crew = createCrew({
    count: workers,
    settings: first,
    log,
    fork: (number) => createMember(number, cluster.fork()),
    onEnd: workerOperations.leave,
    onGiveUp: givenUp.resolve,
  })
  const port = await crew.start()
  let { stop } = first
  let needsRestart: readonly string[] = []
  let file: FollowedFile | undefined
  let end: Promise<void> | undefined
  const warnings = (): readonly string[] => [
    ...(needsRestart.length === 0 ? [] : ['restart-needed']),
    ...(file?.warnings() ?? []),
  ]
  const isStopping = (): boolean => end !== undefined
  const operations = await workerOperations
    .start(first, { crew, workers, warnings, isStopping })
    .catch(async (error: unknown) => {
      await crew.stop()
      throw error
    })
  const take = async (next: GatewaySettings): Promise<readonly string[]> => {
    await crew.change(withFixedMembers(first, next))
    ;({ stop } = next)
    needsRestart = fixedMembers(first, next)
    return needsRestart
  }
  const followed = (file = followFile({ path, first: text, take, log, repeat }))
  const operationsPort = operations?.port
  log.info({ host: first.listen.host, port, operationsPort, workers }, 'the workers listen')
  return {
    port,
    operationsPort,
    stopSecondsMax: () => stop.notReadySeconds + stop.drainSeconds + closeSecondsMax,
    reload: followed.reload,
    givenUp: givenUp.promise,
    close: () => (end ??= endAll()),
  }

  async function endAll(): Promise<void> {
    await followed.stop()
    await crew.stop()
    await operations?.close()
  }
}

function sibling(path: string): string {
  return fileURLToPath(new URL(`${path}${extname(import.meta.url)}`, import.meta.url))
}
