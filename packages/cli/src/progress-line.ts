import type { CopyProgress } from '@portcullis/identity'

/** A terminal shows each; a log should not be filled. */
const pauseMs = { terminal: 200, log: 10_000 }
const clearLine = '\r\u001b[K'

export interface ProgressLine {
  readonly say: (progress: CopyProgress) => void
  /** Before anything else is said. */
  readonly clear: () => void
}

/** How far a copy has come, on standard error: at once in a terminal, and every ten seconds elsewhere. */
export function createProgressLine(
  errors: { readonly isTTY?: boolean; readonly write: (text: string) => boolean },
  nowMs: () => number,
): ProgressLine {
  let saidAt = nowMs()
  return {
    say: ({ done, total, unit }) => {
      if (nowMs() - saidAt < (errors.isTTY ? pauseMs.terminal : pauseMs.log)) return
      saidAt = nowMs()
      const of = total === undefined ? '' : ` of ${total.toFixed(0)}`
      const text = `${done.toFixed(0)}${of} ${unit} copied`
      errors.write(errors.isTTY ? `${clearLine}${text}` : `${text}\n`)
    },
    clear: () => void (errors.isTTY && errors.write(clearLine)),
  }
}
