import { readdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import process from 'node:process'

/** Beside one that wants the same core, a thread that is this nice gets a quarter of it. */
const niceness = 5

/**
 * Has the threads that hash give way to the event loop where both want one core, so that a flood of logins
 * holds up nobody else. Linux knows a priority for each thread (setpriority(2)); elsewhere this does nothing. Call it
 * when a hash was made: libuv starts its threads with the first work for them.
 */
export function yieldToEventLoop(): void {
  if (process.platform !== 'linux') return
  const tasks = '/proc/self/task'
  for (const id of readdirSync(tasks)) {
    if (readFileSync(`${tasks}/${id}/comm`, 'utf8') === 'libuv-worker\n') {
      setPriority(Number(id), niceness)
    }
  }
}
