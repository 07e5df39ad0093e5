import { flushCompileCache } from 'node:module'
import type { Running } from '@portcullis/runtime'
import { identityVariables } from '@portcullis/identity'
import { environment } from '../settings.ts'
import type { Configuration, DevSettings } from './configuration.ts'
import { writeConfiguration } from './configuration.ts'
import { exampleModule, hasExamples } from './examples.ts'
import type { DataFolder } from './folder-paths.ts'
import { logFileOf } from './folder-paths.ts'
import { prepareDataFolder } from './data-folder.ts'
import type { Part, PartOptions } from './part.ts'
import { siblingModule, startPart } from './part.ts'
import type { Ports } from './ports.ts'
import { welcome } from './welcome.ts'

/** Starts identity, gateway and, where they are, the example services, each in a process of its own. */
export async function startSystem(
  folder: DataFolder,
  ports: Ports,
  chosen: DevSettings,
): Promise<Running> {
  await prepareDataFolder(folder)
  const configuration = writeConfiguration(folder, ports, chosen)
  // What this process has compiled by now need not be compiled again.
  flushCompileCache()

  const parts: Part[] = []
  const close = async (): Promise<void> => {
    await Promise.all(parts.map((part) => part.stop()))
  }
  try {
    const plans = planParts(folder, configuration, chosen)
    const failure = new AbortController()
    const started = await Promise.allSettled(
      plans.map(async (plan) => {
        try {
          return await startPart({ ...plan, signal: failure.signal })
        } catch (error) {
          failure.abort(error)
          throw error
        }
      }),
    )
    parts.push(...started.filter(isFulfilled).map(({ value }) => value))
    // The first that failed is the reason; the others were only waiting for it.
    if (failure.signal.aborted) throw failure.signal.reason
  } catch (error) {
    await close()
    throw error
  }
  let closing = false
  // One part without the others is no system: the first that ends by itself ends all.
  const reportEnd = async (part: Part): Promise<void> => {
    const standardErrorTail = await part.ended
    if (closing) return
    closing = true
    const log = logFileOf(folder, part.name)
    process.stderr.write(`${part.name} stopped by itself: ${standardErrorTail.trim()}\n`)
    process.stderr.write(`Its log is ${log}. Start the system again with the same command.\n`)
    await close()
    process.exit(1)
  }
  for (const part of parts) {
    void reportEnd(part)
  }
  process.stdout.write(welcome(configuration.endpoints, folder))
  return {
    close: () => {
      closing = true
      return close()
    },
  }
}

function isFulfilled<Value>(
  result: PromiseSettledResult<Value>,
): result is PromiseFulfilledResult<Value> {
  return result.status === 'fulfilled'
}

type Plan = Omit<PartOptions, 'signal'>

function planParts(
  folder: DataFolder,
  configuration: Configuration,
  chosen: DevSettings,
): readonly Plan[] {
  const own = planOwnParts(folder, configuration)
  return hasExamples() ? [...own, ...planExamples(folder, configuration, chosen)] : own
}

function planOwnParts(
  folder: DataFolder,
  { endpoints, identityFile, gatewayFile }: Configuration,
): readonly Plan[] {
  const cli = siblingModule('../main', import.meta.url)
  const variables = variablesOf(folder)
  return [
    {
      name: 'identity',
      module: cli,
      parameters: ['identity', '--config', identityFile],
      variables: {
        ...variables,
        // The folder's own settings and secrets, whatever the environment has for another system.
        ...Object.fromEntries(identityVariables.map((name) => [name, undefined])),
        PORTCULLIS_SEALING_KEY_FILE: folder.sealingKeyFile,
        PORTCULLIS_REFRESH_PEPPER_FILE: folder.pepperFile,
      },
      logFile: logFileOf(folder, 'identity'),
      readyUrl: `${endpoints.operations}/health/ready`,
    },
    {
      name: 'gateway',
      module: cli,
      parameters: ['gateway', '--config', gatewayFile],
      variables,
      logFile: logFileOf(folder, 'gateway'),
      readyUrl: `${endpoints.gatewayOperations}/health/ready`,
    },
  ]
}

function planExamples(
  folder: DataFolder,
  { endpoints }: Configuration,
  { maxStalenessSeconds }: DevSettings,
): readonly Plan[] {
  const variables = variablesOf(folder)
  return [
    {
      name: 'orders',
      module: exampleModule('orders'),
      parameters: [],
      variables: {
        ...variables,
        ORDERS_PORT: new URL(endpoints.orders).port,
        ORDERS_ISSUER: endpoints.identity,
        ORDERS_CLIENT_FILE: folder.ordersClientFile,
        ORDERS_DATABASE: folder.ordersDatabase,
        ORDERS_MAX_STALENESS_SECONDS: maxStalenessSeconds?.toString(),
      },
      logFile: logFileOf(folder, 'orders'),
      readyUrl: `${endpoints.orders}/health`,
    },
    {
      name: 'reviews',
      module: exampleModule('reviews'),
      parameters: [],
      variables: {
        ...variables,
        REVIEWS_PORT: new URL(endpoints.reviews).port,
        REVIEWS_ISSUER: endpoints.identity,
        REVIEWS_CLIENT_FILE: folder.reviewsClientFile,
        REVIEWS_DATABASE: folder.reviewsDatabase,
        REVIEWS_MAX_STALENESS_SECONDS: maxStalenessSeconds?.toString(),
      },
      logFile: logFileOf(folder, 'reviews'),
      readyUrl: `${endpoints.reviews}/health`,
    },
  ]
}

/** Whoever has named a cache already has filled it, too. */
function variablesOf({ compileCache }: DataFolder): Plan['variables'] {
  return { NODE_COMPILE_CACHE: compileCache, ...environment() }
}
