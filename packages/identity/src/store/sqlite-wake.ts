import type { DatabaseSync } from 'node:sqlite'
import type { WokenListeners } from './woken-listeners.ts'
import { createWokenListeners } from './woken-listeners.ts'

/** A look takes some microseconds. */
const lookEveryMs = 40

/**
 * Notices what other processes commit to the file: `data_version` changes with it, and not with what this connection
 * commits itself (sqlite.org/pragma.html).
 */
export function createFileWake(writer: DatabaseSync): Pick<WokenListeners, 'onWoken' | 'close'> {
  const readVersion = (): unknown => {
    try {
      return writer.prepare('PRAGMA data_version').get()?.['data_version']
    } catch {
      // Busy: the next look tells.
      return undefined
    }
  }
  const listeners = createWokenListeners(() => {
    let known = readVersion()
    const timer = setInterval(() => {
      const found = readVersion()
      if (found === undefined || found === known) return
      known = found
      listeners.call()
    }, lookEveryMs).unref()
    return () => clearInterval(timer)
  })
  return listeners
}
