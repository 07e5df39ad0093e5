import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemErrorCode, writeDurably } from '@portcullis/runtime'
import { flushNames } from './flushed-names.ts'

/** How far the log had come when this was written. */
export interface HighWaterMark {
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
export interface HighWater {
  /** Whether it outlives the process: where it does, a database without a mark has lost it. */
  readonly isKept: boolean
  /** Undefined when there is none, or none that can be read. */
  readonly read: () => HighWaterMark | undefined
  /** Durable when it resolves. Those who ask at the same time share one write. */
  readonly raise: (mark: HighWaterMark) => Promise<void>
}

export function highWaterAt(path: string): HighWater {
  let waiting: HighWaterMark | undefined
  let underWay: Promise<void> | undefined
  let isFirst = true
  const writeWaiting = async (): Promise<void> => {
    // The changes that were committed together come here one after the other, before this goes on.
    await Promise.resolve()
    underWay = undefined
    if (waiting !== undefined) writeMark(path, waiting)
    waiting = undefined
    if (!isFirst) return
    isFirst = false
    removeStaleDrafts(path)
  }
  return {
    isKept: true,
    read: () => readMark(path),
    raise: (mark) => {
      waiting = forwardOf(waiting, mark)
      underWay ??= writeWaiting()
      return underWay
    },
  }
}

/** What this process has seen, of a database that many share: none of them could keep a mark for all. */
export function highWaterInMemory(): HighWater {
  let highest: HighWaterMark | undefined
  return {
    isKept: false,
    read: () => highest,
    raise: async (mark) => void (highest = forwardOf(highest, mark)),
  }
}

function writeMark(path: string, mark: HighWaterMark): void {
  const { epoch, base, seq, at } = forwardOf(readMark(path), mark)
  // Beside it and renamed: a crash leaves the old mark or the new one. By chance, so that no two processes
  // over one database rename each other's: in containers they have the same number.
  const fresh = `${path}.${randomBytes(8).toString('hex')}${draftEnding}`
  try {
    writeDurably(fresh, `${epoch} ${base} ${seq} ${at}\n`)
    renameSync(fresh, path)
  } catch (error) {
    // Where a disk is full each try would leave another one.
    removeIfPossible(fresh)
    throw error
  }
  flushNames(dirname(path))
}

const draftEnding = '.draft'
/** Nobody takes that long from the first octet of a draft to its name. */
const staleMs = 3_600_000

/**
 * What processes have left behind that were killed over a draft, those of releases that named them by their number
 * along. By the time of the mark that was just written and not by a clock: both times are of one file system.
 */
function removeStaleDrafts(path: string): void {
  const folder = dirname(path)
  const markedMs = statSync(path).mtimeMs
  const drafts = readdirSync(folder).filter(
    (name) => name.startsWith(`${basename(path)}.`) && name.endsWith(draftEnding),
  )
  for (const draft of drafts) {
    const draftPath = join(folder, draft)
    const writtenMs = statSync(draftPath, { throwIfNoEntry: false })?.mtimeMs
    // Undefined when it was renamed meanwhile, by a process that lives.
    if (writtenMs !== undefined && writtenMs < markedMs - staleMs) removeIfPossible(draftPath)
  }
}

function readMark(path: string): HighWaterMark | undefined {
  try {
    return parseMark(readFileSync(path, 'utf8'))
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Within an epoch a mark only goes forward, whoever writes later. */
function forwardOf(known: HighWaterMark | undefined, mark: HighWaterMark): HighWaterMark {
  if (known?.epoch !== mark.epoch) return mark
  return { ...mark, seq: Math.max(known.seq, mark.seq), at: Math.max(known.at, mark.at) }
}

/** What stays takes room and is in nobody's way: the mark that was written counts. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
  }
}

function parseMark(text: string): HighWaterMark | undefined {
  const [, epoch, base, seq, at] =
    /^([A-Za-z0-9_-]{22}) (\d{1,16}) (\d{1,16}) (\d{1,16})\n$/.exec(text) ?? []
  if (epoch === undefined) return undefined
  return { epoch, base: Number(base), seq: Number(seq), at: Number(at) }
}
