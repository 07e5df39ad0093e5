import { readFileSync } from 'node:fs'
import process from 'node:process'

const pollMs = 500

/**
 * Stops this process, as SIGTERM does, when the one that has started it is gone, and says so. It is asked for by name,
 * since what a terminal or a service manager has started is often meant to outlive it. npm passes a SIGTERM on to the
 * shell that it runs scripts in, and no shell to the script; of a SIGKILL nobody hears at all.
 */
export function endWithStarter(): void {
  const before = startersOf(process.ppid)
  const watch = setInterval(() => {
    if (!isGone(before, startersOf(process.ppid))) return
    clearInterval(watch)
    // Whoever reads it may be gone as well.
    process.stderr.on('error', () => undefined)
    process.stderr.write('stopping, because the process that has started this is gone\n')
    process.kill(process.pid, 'SIGTERM')
  }, pollMs)
  watch.unref()
  // Ctrl-C reaches npm and its shell as well: that they go then is no second wish, which would cut the stop short.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => clearInterval(watch))
  }
}

/** Who has started this process. */
export interface Starters {
  readonly parent: number
  /** Where the parent is the shell of an npm script, that of the shell; undefined too where that cannot be told now. */
  readonly grandparent: number | undefined
}

/** A process whose starter ends has another one. That nothing can be read at a moment says nothing about anybody. */
export function isGone(before: Starters, now: Starters): boolean {
  if (now.parent !== before.parent) return true
  const { grandparent } = now
  return grandparent !== undefined && grandparent !== before.grandparent
}

function startersOf(parent: number): Starters {
  const [, grandparent] = /^\d+ \([a-z]*sh\) \S (\d+) /.exec(statusOf(parent)) ?? []
  return { parent, grandparent: grandparent === undefined ? undefined : Number(grandparent) }
}

/** Empty where there is no /proc: on macOS a shell becomes the script it runs, so that npm is the parent itself. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}
