import { readRelayFile, startRelay } from '@portcullis/gateway/relay'
import { createLog, runUntilStopped } from '@portcullis/runtime'

export async function runRelay({ config }: { readonly config: string }): Promise<void> {
  const log = createLog({ name: 'relay' })
  await runUntilStopped(log, () => startRelay(readRelayFile(config), { log }))
}
