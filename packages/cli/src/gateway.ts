import type { GatewayFromFile } from '@portcullis/gateway'
import { startGatewayFromFile } from '@portcullis/gateway'
import type { GatewayWorkers } from '@portcullis/gateway/workers'
import type { Log } from '@portcullis/runtime'
import { collectYoungGarbageAlone, createLog, exitWith, runUntilStopped } from '@portcullis/runtime'

export interface GatewayCommandOptions {
  readonly config: string
  readonly workers: number
}

export async function runGateway({ config, workers }: GatewayCommandOptions): Promise<void> {
  collectYoungGarbageAlone()
  const log = createLog({ name: 'gateway' })
  let gateway: Pick<GatewayFromFile, 'reload'> | undefined
  // There from the start: without a listener the signal would end the process.
  process.on('SIGHUP', () => {
    log.info({ signal: 'SIGHUP' }, 'taking the settings file again')
    void gateway?.reload()
  })
  await runUntilStopped(log, async () => {
    const started = await (workers === 1
      ? startGatewayFromFile(config, { log })
      : startWorkers(config, workers, log))
    gateway = started
    return started
  })
}

async function startWorkers(config: string, workers: number, log: Log): Promise<GatewayWorkers> {
  // Not loaded where it is not asked for.
  const { startGatewayWorkers } = await import('@portcullis/gateway/workers')
  const gateway = await startGatewayWorkers(config, { workers, log })
  void endWhenGivenUp(gateway, log)
  return gateway
}

async function endWhenGivenUp({ givenUp, close }: GatewayWorkers, log: Log): Promise<void> {
  const error = await givenUp
  log.fatal({ detail: error.message }, 'the gateway gives up')
  await close()
  exitWith(error)
}
