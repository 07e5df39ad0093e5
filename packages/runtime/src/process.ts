import type { Log } from './log.ts'
import { StartError } from './start-error.ts'

/** Something that runs until it is closed. Closing twice is allowed. */
export interface Running {
  readonly close: () => Promise<void>
  /** How long that may take. Default 10. */
  readonly stopSecondsMax?: () => number
}

/** After this a stop is no longer graceful: a stuck connection must not keep a deployment waiting. */
const stopSecondsDefault = 10
/** One Ctrl-C can arrive twice, from the terminal and from npm; a later one is a person who insists. */
const sameSignalMs = 1000

/**
 * Runs one thing for the life of the process: starts it, waits for SIGINT or SIGTERM, closes it and
 * exits with 0. What is stopped while it starts is closed once it has. A `StartError` is printed as two
 * lines and exits with 1; a second signal more than a second later, or a stop that takes longer than it
 * may, exits with 1 at once.
 */
export async function runUntilStopped(log: Log, start: () => Promise<Running>): Promise<void> {
  // Not before the listeners below are there: who stops it when it has just said that it is ready is not too early.
  const started = Promise.resolve().then(start)
  let stoppingSince: number | undefined
  const exitAfter = (stopSecondsMax: number): NodeJS.Timeout =>
    setTimeout(() => {
      log.error({ stopSecondsMax }, 'stop took too long')
      process.exit(1)
    }, stopSecondsMax * 1000).unref()
  const stop = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    if (stoppingSince !== undefined) {
      if (now - stoppingSince <= sameSignalMs) return
      process.stderr.write(`a second ${signal}: what was under way is cut off\n`)
      process.exit(1)
    }
    stoppingSince = now
    log.info({ signal }, 'stopping')
    const whileStarting = exitAfter(stopSecondsDefault)
    started
      .then((running) => {
        clearTimeout(whileStarting)
        exitAfter(running.stopSecondsMax?.() ?? stopSecondsDefault)
        return running.close()
      })
      .then(() => process.exit(0), exitWith)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  await started.catch(exitWith)
}

/** Prints why the process ends, in the operator's terms where there are any, and ends it with 1. */
export function exitWith(error: unknown): never {
  if (error instanceof StartError) {
    process.stderr.write(`${error.message}\n${error.remedy}\n`)
  } else {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`unexpected error: ${text}\n`)
  }
  process.exit(1)
}
