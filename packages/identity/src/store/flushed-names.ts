import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

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

/** Makes a folder for its owner alone, and those above it that are missing. Their names survive a power cut. */
export function makeFolders(folder: string, flush: (folder: string) => void = flushNames): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const highest = dirname(resolve(first))
  let above = dirname(resolve(folder))
  while (above.length > highest.length) {
    flush(above)
    above = dirname(above)
  }
  flush(highest)
}
