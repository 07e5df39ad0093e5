import type { Replaced } from '@portcullis/identity'
import { readSealingKeys, restoreStore } from '@portcullis/identity'
import type { StoreOptions } from './backup.ts'
import { issuerOf, unreachable } from './backup.ts'
import { requireDatabase } from './database-address.ts'
import { printable } from './printable.ts'
import { createProgressLine } from './progress-line.ts'
import { environment } from './settings.ts'

export interface RestoreCommandOptions extends StoreOptions {
  readonly replace?: true
  readonly dangerouslyGiveUpSealed?: true
  readonly dangerouslyTakeUnsealed?: true
}

/** Puts a backup back. */
export async function runRestore(from: string, options: RestoreCommandOptions): Promise<void> {
  const database = requireDatabase(options.database)
  const { replace = false, dangerouslyGiveUpSealed = false, dangerouslyTakeUnsealed } = options
  const sealingKeys = dangerouslyGiveUpSealed ? undefined : readSealingKeys(environment())
  const line = createProgressLine(process.stderr, () => performance.now())
  const outcome = await restoreStore({
    from,
    database,
    issuer: issuerOf(options),
    replace,
    dangerouslyGiveUpSealed,
    dangerouslyTakeUnsealed: dangerouslyTakeUnsealed === true,
    sealingKeys,
    onProgress: line.say,
  }).finally(line.clear)
  if (outcome.kind === 'unreachable') throw unreachable(outcome.why)
  const { members, replaced } = outcome
  if (sealingKeys === undefined && !dangerouslyGiveUpSealed) {
    process.stderr.write(
      'whether the sealing key opens it, and whether somebody has altered it, was not tried: PORTCULLIS_SEALING_KEY is not set\n',
    )
  }
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ ...members, ...membersOf(replaced) })}\n`
      : `${sentencesOf(from, replaced).join('\n')}\n`,
  )
}

/** Each new account is one of them; with `--json` all are told. */
const shownMax = 100

function membersOf(replaced: Replaced | undefined): object {
  if (replaced === undefined) return {}
  const undone = replaced.undone?.map(({ at, kind, subject, name }) => ({
    at: new Date(at).toISOString(),
    kind,
    subject,
    name,
  }))
  return { kept: replaced.kept, undone: undone ?? null }
}

function sentencesOf(from: string, replaced: Replaced | undefined): readonly string[] {
  const next = 'a new epoch begins when identity starts: everybody signs in again'
  const first = `${from} is put back; ${next}`
  if (replaced === undefined) return [first]
  const { kept, undone } = replaced
  const beside = `the store that was there is ${kept}`
  if (undone === undefined) {
    return [first, beside, 'it is damaged: what was decided since the backup cannot be told']
  }
  if (undone.length === 0) return [first, beside]
  return [
    first,
    beside,
    'decided since the backup, and to be decided again:',
    ...undone.slice(0, shownMax).map(({ at, kind, subject = '', name }) => {
      const about = name === undefined ? subject : `${name} (${subject})`
      return printable(`  ${new Date(at).toISOString()} ${kind} ${about}`.trimEnd())
    }),
    ...(undone.length > shownMax
      ? [`  and ${undone.length - shownMax} more, which are in the audit record of ${kept}`]
      : []),
  ]
}
