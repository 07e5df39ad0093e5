import { readIdentityFile, readSecrets, startIdentity } from '@portcullis/identity'
import { createLog, runUntilStopped } from '@portcullis/runtime'
import { environment } from './settings.ts'

export interface IdentityCommandOptions {
  readonly config: string
  readonly database?: string
}

export async function runIdentity({ config, database }: IdentityCommandOptions): Promise<void> {
  const log = createLog({ name: 'identity' })
  await runUntilStopped(log, async () => {
    const settings = readIdentityFile(config)
    const secrets = readSecrets(environment())
    return startIdentity(database === undefined ? settings : { ...settings, database }, {
      ...secrets,
      log,
    })
  })
}
