import type { GatewayFromFile } from '@portcullis/gateway'
import { startGatewayFromFile } from '@portcullis/gateway'
import { createLog, runUntilStopped } from '@portcullis/runtime'

export async function runGateway({ config }: { readonly config: string }): Promise<void> {
  const log = createLog({ name: 'gateway' })
  let gateway: GatewayFromFile | undefined
  // There from the start: without a listener the signal would end the process.
  process.on('SIGHUP', () => {
    log.info({ signal: 'SIGHUP' }, 'taking the settings file again')
    void gateway?.reload()
  })
  await runUntilStopped(log, async () => {
    gateway = await startGatewayFromFile(config, { log })
    return gateway
  })
}
