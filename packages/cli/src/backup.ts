import { existsSync } from 'node:fs'
import { backUpStore, describeIdentitySettings, readSealingKeys } from '@portcullis/identity'
import { CommandError } from './command-error.ts'
import { requireDatabase } from './database-address.ts'
import { createProgressLine } from './progress-line.ts'
import { environment } from './settings.ts'

/** Which store, and whose. */
export interface StoreOptions {
  readonly database?: string
  readonly issuer?: string
  readonly config: string
  readonly json?: true
}

export interface BackupCommandOptions extends StoreOptions {
  readonly writeTo: string
  readonly unsealed?: true
}

/** Copies a store that may be in use. */
export async function runBackup(options: BackupCommandOptions): Promise<void> {
  const { writeTo, unsealed, json } = options
  const database = requireDatabase(options.database)
  const issuer = issuerOf(options)
  const line = createProgressLine(process.stderr, () => performance.now())
  const sealingKeys = unsealed === true ? undefined : readSealingKeys(environment())
  const outcome = await backUpStore({
    database,
    issuer,
    writeTo,
    sealingKeys,
    onProgress: line.say,
  }).finally(line.clear)
  if (outcome.kind === 'unreachable') throw unreachable(outcome.why)
  const { members, bytes } = outcome
  if (sealingKeys === undefined && unsealed !== true) {
    process.stderr.write(
      'it has no seal, and whoever can write to it can alter it: PORTCULLIS_SEALING_KEY is not set\n',
    )
  }
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ folder: writeTo, ...members })}\n`
      : `the store of ${issuer} is in ${writeTo}, ${bytes} bytes; the sealing key and the pepper are not: keep them elsewhere\n`,
  )
}

/** As it was said, or as the settings of identity say. */
export function issuerOf({ issuer, config }: StoreOptions): string {
  if (issuer !== undefined) return issuer
  if (!existsSync(config)) {
    const remedy =
      'Say whose store it is with --issuer URL, or where the settings of identity are with --config FILE.'
    throw new CommandError(1, `whose store it is is not known: there is no ${config}`, remedy)
  }
  const { settings } = describeIdentitySettings({ file: config, environment: environment() })
  return String(settings['issuer']?.value)
}

export function unreachable(why: string): CommandError {
  const remedy = 'Check the address, and that the server runs; nothing was changed.'
  return new CommandError(3, `the database cannot be reached: ${why}`, remedy)
}
