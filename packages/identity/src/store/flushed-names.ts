import { closeSync, fsyncSync, openSync } from 'node:fs'

/** A name survives a power cut only when its folder was flushed too. Windows has no such call. */
export function flushNames(folder: string): void {
  if (process.platform === 'win32') return
  const names = openSync(folder, 'r')
  try {
    fsyncSync(names)
  } finally {
    closeSync(names)
  }
}
