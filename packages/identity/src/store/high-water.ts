import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemErrorCode } from '@portcullis/runtime'

/** How far the log had come when this was written. */
export interface HighWater {
  readonly epoch: string
  /** What minted generations started from. A later epoch must start above it. */
  readonly base: number
  readonly seq: number
  readonly at: number
}

/**
 * A mark outside the database. A database that is behind it was put back to an earlier state, and what
 * was revoked since is forgotten in it.
 */
export interface HighWaterFile {
  /** Undefined when there is none, or none that can be read. */
  readonly read: () => HighWater | undefined
  /** Durable when it returns. */
  readonly write: (mark: HighWater) => void
}

export function highWaterFileAt(path: string): HighWaterFile {
  return {
    read: () => readMark(path),
    write: (mark) => {
      const { epoch, base, seq, at } = forwardOf(readMark(path), mark)
      // Beside it and renamed: a crash leaves the old mark or the new one. Each process has a draft of
      // its own, so that two over one database never rename half of each other's.
      const fresh = `${path}.${process.pid}.draft`
      const file = openSync(fresh, 'w', 0o600)
      try {
        writeSync(file, `${epoch} ${base} ${seq} ${at}\n`)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(fresh, path)
      flushNames(dirname(path))
    },
  }
}

function readMark(path: string): HighWater | undefined {
  try {
    return parseMark(readFileSync(path, 'utf8'))
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Within an epoch a mark only goes forward, whichever of two processes writes later. */
function forwardOf(known: HighWater | undefined, mark: HighWater): HighWater {
  if (known?.epoch !== mark.epoch) return mark
  return { ...mark, seq: Math.max(known.seq, mark.seq), at: Math.max(known.at, mark.at) }
}

/** A name survives a power cut only when its folder was flushed too. Windows has no such call. */
function flushNames(folder: string): void {
  if (process.platform === 'win32') return
  const names = openSync(folder, 'r')
  try {
    fsyncSync(names)
  } finally {
    closeSync(names)
  }
}

function parseMark(text: string): HighWater | undefined {
  const [, epoch, base, seq, at] =
    /^([A-Za-z0-9_-]{22}) (\d{1,16}) (\d{1,16}) (\d{1,16})\n$/.exec(text) ?? []
  if (epoch === undefined) return undefined
  return { epoch, base: Number(base), seq: Number(seq), at: Number(at) }
}
