import type { Administration, ImportResult } from '@portcullis/client/admin'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'
import { asAdministrator } from './administration.ts'
import type { RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import type { ImportGroup } from './import-groups.ts'
import { readGroups } from './import-groups.ts'
import type { ImportCounts, ImportReport } from './import-report.ts'
import { createImportReport } from './import-report.ts'
import { createSeenIdentifiers } from './seen-identifiers.ts'
import { openSource } from './source-file.ts'

export interface ImportOptions extends RemoteOptions {
  readonly dryRun?: true
  readonly onExisting: 'skip' | 'fail'
  readonly reason?: string
}

/**
 * Takes over accounts of another system, one JSON object on each line. Every mistake is named by its line, and
 * what is not mistaken is imported: when the file is corrected the same command does the rest.
 */
export async function runImport(path: string, options: ImportOptions): Promise<void> {
  const isDryRun = options.dryRun === true
  const report = createImportReport({
    json: options.json === true,
    isDryRun,
    output: process.stdout,
    errors: process.stderr,
    nowMs: () => performance.now(),
  })
  const administrator = readAdministrator(options)
  const source = await openSource(path)
  let isUnderWay = false
  const counts = await asAdministrator(administrator, (administration) => {
    isUnderWay = true
    return importFile(source, { administration, report, options })
  }).catch((error: unknown) => {
    throw isUnderWay ? resumable(error) : error
  })
  if (counts.lines === 0) {
    throw new CommandError(1, 'there is no account in the file', 'Write one JSON object a line.')
  }
  if (counts.mistaken > 0) {
    const again = options.onExisting === 'skip' ? '' : ', with --on-existing skip'
    const remedy = isDryRun
      ? 'Correct them first, or import without them.'
      : `Correct them and run it again${again}: what is there already is skipped.`
    throw new CommandError(1, `lines with mistakes: ${counts.mistaken}`, remedy)
  }
}

function resumable(error: unknown): unknown {
  if (!(error instanceof CommandError)) return error
  const remedy = `${error.remedy} What was imported before stays: run it again, and it is skipped.`
  return new CommandError(error.exitCode, error.message, remedy)
}

type Counts = { -readonly [Name in keyof ImportCounts]: ImportCounts[Name] }

interface Import {
  readonly administration: Administration
  readonly report: ImportReport
  readonly options: ImportOptions
}

async function importFile(
  chunks: AsyncIterable<Uint8Array>,
  { administration, report, options }: Import,
): Promise<ImportCounts> {
  const counts: Counts = { lines: 0, imported: 0, existing: 0, mistaken: 0 }
  const judge = createJudge(options)
  try {
    for await (const group of readGroups(chunks, options.reason)) {
      const results = await sendGroup(administration, group, options)
      const judged = [
        ...group.unreadable.map(({ line, why }) => ({ line, ...mistaken('', why) })),
        ...group.accounts.map(({ line }, index) => ({ line, ...judge(results[index], line) })),
      ].toSorted((one, other) => one.line - other.line)
      for (const one of judged) {
        counts.lines += 1
        counts[one.kind] += 1
        if (one.kind !== 'mistaken') continue
        for (const mistake of one.mistakes) await report.mistake({ line: one.line, ...mistake })
      }
      await report.progress(counts)
    }
  } finally {
    await report.end(counts)
  }
  return counts
}

async function sendGroup(
  { accounts }: Administration,
  group: ImportGroup,
  { dryRun, reason }: ImportOptions,
): Promise<readonly ImportResult[]> {
  if (group.accounts.length === 0) return []
  return accounts.import({
    accounts: group.accounts.map(({ json }) => json),
    ...(dryRun === undefined ? {} : { isDryRun: dryRun }),
    ...(reason === undefined ? {} : { reason }),
  })
}

interface FieldMistake {
  readonly field: string
  readonly message: string
}

type Judged =
  | { readonly kind: 'imported' | 'existing' }
  | { readonly kind: 'mistaken'; readonly mistakes: readonly FieldMistake[] }

/** What identity has answered of an account; and of two lines with one identifier the second is a mistake. */
function createJudge({
  onExisting,
}: ImportOptions): (result: ImportResult | undefined, line: number) => Judged {
  const seen = createSeenIdentifiers()
  return (result, line) => {
    const { outcome, identifier, faults = [] } = result ?? {}
    if (outcome === 'mistaken') return { kind: 'mistaken', mistakes: faults.map(printed) }
    const earlier = seen.earlierLine(String(identifier), line)
    if (earlier !== undefined) return mistaken('/identifier', `is the same as in line ${earlier}`)
    if (outcome !== 'exists') return { kind: 'imported' }
    return onExisting === 'fail'
      ? mistaken('/identifier', 'is taken already')
      : { kind: 'existing' }
  }
}

function mistaken(field: string, message: string): Judged {
  return { kind: 'mistaken', mistakes: [{ field, message }] }
}

function printed({ field, message }: FieldMistake): FieldMistake {
  return { field: printable(field), message: printable(message) }
}
