import { describeIdentitySettings, readIdentitySettings, startIdentity } from '@portcullis/identity'
import { createLog, runUntilStopped } from '@portcullis/runtime'
import { refusePassword } from './database-address.ts'
import { environment } from './settings.ts'

export interface IdentityCommandOptions {
  readonly config: string
  readonly database?: string
  readonly printConfig?: true
}

export async function runIdentity(options: IdentityCommandOptions): Promise<void> {
  const sources = {
    file: options.config,
    environment: environment(),
    database: options.database === undefined ? undefined : refusePassword(options.database),
  }
  if (options.printConfig === true) {
    const described = describeIdentitySettings(sources)
    process.stdout.write(`${JSON.stringify(described, undefined, 2)}\n`)
    return
  }
  const log = createLog({ name: 'identity' })
  await runUntilStopped(log, async () => {
    const { settings, secrets } = readIdentitySettings(sources)
    return startIdentity(settings, { ...secrets, log })
  })
}
