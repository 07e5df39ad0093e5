import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunningSystem, Variables } from './running-system.ts'
import { startSystem } from './running-system.ts'
import { untilAnswered } from './until-answered.ts'

/** A system whose parts are processes without a supervisor, so that one can die and the others live. */
export interface SeparateParts extends RunningSystem {
  /** SIGKILL, and a new process over the same files once the old one is gone. */
  readonly killIdentity: () => Promise<void>
}

const module = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const cli = module('packages/cli/src/main.ts')

function data(name: string): string {
  return join('.portcullis', name)
}

/**
 * The parts take the ports of the first start again, which others must not have taken meanwhile: so they
 * are not from the range that systems hand out, and each test process has a row of its own.
 */
const portBase = 20_000 + (process.pid % 2_000) * 5

/** Lets `portcullis dev` make folder, settings and secrets, stops it, and runs the same parts apart. */
export async function startSeparateParts(
  folder: string,
  options: readonly string[],
): Promise<SeparateParts> {
  const made = await startSystem(folder, options, portBase)
  await made.stop()
  const { endpoints } = made
  const run = (parameters: readonly string[], variables: Variables = {}): ChildProcess =>
    spawn(process.execPath, ['--conditions=@portcullis/source', ...parameters], {
      cwd: folder,
      env: { ...process.env, ...variables },
      stdio: 'ignore',
    })
  const runIdentity = (): ChildProcess =>
    run([cli, 'identity', '--config', data('identity.json')], {
      PORTCULLIS_SEALING_KEY_FILE: data('sealing.key'),
      PORTCULLIS_REFRESH_PEPPER_FILE: data('refresh.pepper'),
    })

  let identity = runIdentity()
  const others = [
    run([cli, 'gateway', '--config', data('gateway.json')]),
    run([module('examples/orders/src/main.ts')], {
      ORDERS_PORT: new URL(endpoints.orders).port,
      ORDERS_ISSUER: endpoints.identity,
      ORDERS_CLIENT_FILE: data('orders-client.json'),
      ORDERS_DATABASE: data('orders.db'),
      ORDERS_MAX_STALENESS_SECONDS: '3',
    }),
    run([module('examples/reviews/src/main.ts')], {
      REVIEWS_PORT: new URL(endpoints.reviews).port,
      REVIEWS_ISSUER: endpoints.identity,
      REVIEWS_CLIENT_FILE: data('reviews-client.json'),
      REVIEWS_DATABASE: data('reviews.db'),
      REVIEWS_MAX_STALENESS_SECONDS: '3',
    }),
  ]
  const isReady = async (): Promise<void> => {
    await untilAnswered(`${endpoints.operations}/health/ready`)
    await untilAnswered(`${endpoints.orders}/health`)
    await untilAnswered(`${endpoints.reviews}/health`)
  }
  const stop = async (): Promise<number> => {
    await Promise.all([identity, ...others].map((child) => end(child, 'SIGTERM')))
    return 0
  }
  try {
    await isReady()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...made,
    killIdentity: async () => {
      await end(identity, 'SIGKILL')
      identity = runIdentity()
      await isReady()
    },
    stop,
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
