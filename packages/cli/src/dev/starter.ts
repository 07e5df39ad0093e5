import { readFileSync } from 'node:fs'
import process from 'node:process'

const pollMs = 500

/**
 * Stops this process, as SIGTERM does, when the one that has started it is gone. It is asked for by name, since
 * what a terminal or a service manager has started is often meant to outlive it. npm passes a SIGTERM on to the
 * shell that it runs scripts in, and no shell to the script; of a SIGKILL nobody hears at all.
 */
export function endWithStarter(): void {
  const before = startersOf()
  const watch = setInterval(() => {
    if (startersOf() === before) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, pollMs)
  watch.unref()
  // Ctrl-C reaches npm and its shell as well: that they go then is no second wish, which would cut the stop short.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => clearInterval(watch))
  }
}

/** The parent and, where that is the shell of an npm script, the parent of the shell. It changes when one of them ends. */
function startersOf(): string {
  const { ppid } = process
  const [, grandparent] = /^\d+ \([a-z]*sh\) \S (\d+) /.exec(statusOf(ppid)) ?? []
  return grandparent === undefined ? `${ppid}` : `${ppid} ${grandparent}`
}

/** Empty where there is no /proc: on macOS a shell becomes the script it runs, so that npm is the parent itself. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}
