import { readGatewayFile, startGateway } from '@portcullis/gateway'
import { createLog, runUntilStopped } from '@portcullis/runtime'

export async function runGateway({ config }: { readonly config: string }): Promise<void> {
  const log = createLog({ name: 'gateway' })
  await runUntilStopped(log, () => startGateway(readGatewayFile(config), { log }))
}
