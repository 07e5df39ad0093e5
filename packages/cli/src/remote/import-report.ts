import type { Writable } from 'node:stream'
import { write } from './written.ts'

/** What has become of the lines so far. */
export interface ImportCounts {
  readonly lines: number
  readonly imported: number
  readonly existing: number
  readonly mistaken: number
}

export interface LineMistake {
  readonly line: number
  /** A JSON pointer into the line, empty for the whole. */
  readonly field: string
  readonly message: string
}

export interface ImportReport {
  readonly mistake: (mistake: LineMistake) => Promise<void>
  readonly progress: (counts: ImportCounts) => Promise<void>
  /** The last word, also when the import was stopped by an error. */
  readonly end: (counts: ImportCounts) => Promise<void>
}

export interface ReportOptions {
  readonly json: boolean
  readonly isDryRun: boolean
  readonly output: Writable
  readonly errors: Writable & { readonly isTTY?: boolean }
  /** Milliseconds, of a clock that never goes back. */
  readonly nowMs: () => number
}

/** A terminal shows each; a log should not be filled. */
const progressMs = { terminal: 200, log: 10_000 }
const clearLine = '\r\u001b[K'

/**
 * Tells what happens while it happens, so that nothing piles up in memory: mistakes by their lines, how far it
 * is, and the result. With `json` standard output is one object, whose list of mistakes grows as they are found.
 */
export function createImportReport(options: ReportOptions): ImportReport {
  const { json, isDryRun, output, errors, nowMs } = options
  const isTerminal = errors.isTTY === true
  const pauseMs = isTerminal ? progressMs.terminal : progressMs.log
  let saidAt = nowMs()
  let mistakes = 0
  const clear = isTerminal ? clearLine : ''

  const toJson = (mistake: LineMistake): string => {
    const before = mistakes === 0 ? '{"mistakes":[' : ','
    return `${before}\n${JSON.stringify(mistake)}`
  }
  return {
    mistake: async (mistake) => {
      await (json ? write(output, toJson(mistake)) : write(errors, `${clear}${textOf(mistake)}\n`))
      mistakes += 1
    },
    progress: async (counts) => {
      if (nowMs() - saidAt < pauseMs) return
      saidAt = nowMs()
      const text = `${counts.lines} lines read, ${sentenceOf(counts, isDryRun)}`
      await write(errors, isTerminal ? `${clear}${text}` : `${text}\n`)
    },
    end: async (counts) => {
      await write(errors, clear)
      const opening = mistakes === 0 ? '{"mistakes":[' : '\n'
      const { lines, imported, existing, mistaken } = counts
      const rest = JSON.stringify({ dry_run: isDryRun, lines, imported, existing, mistaken })
      await write(
        output,
        json ? `${opening}],${rest.slice(1)}\n` : `${sentenceOf(counts, isDryRun)}\n`,
      )
    },
  }
}

function textOf({ line, field, message }: LineMistake): string {
  return `line ${line}: ${field === '' ? 'the line' : field} ${message}`
}

function sentenceOf({ imported, existing, mistaken }: ImportCounts, isDryRun: boolean): string {
  const done = isDryRun ? 'could be imported' : 'imported'
  return `accounts ${done}: ${imported}, there already: ${existing}, lines with mistakes: ${mistaken}`
}
