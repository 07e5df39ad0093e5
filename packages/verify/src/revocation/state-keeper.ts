import { keysStaleMsMax } from '../issuer/held-key-set.ts'
import type { Timers } from '../timers.ts'
import type { FollowedLog } from './followed-log.ts'
import type { StateFile } from './state-file.ts'
import type { RevocationTable } from './table.ts'

/** Takes the state over from one life of the process to the next. */
export interface StateKeeper {
  /** Joins what was left. Never rejects. */
  readonly restore: () => Promise<void>
  /** A checkpoint was applied, so there may be something new to keep. */
  readonly note: () => void
  /** Keeps what is new for the last time. */
  readonly close: () => Promise<void>
}

export interface StateKeeperOptions {
  readonly file: StateFile
  readonly log: FollowedLog
  readonly table: RevocationTable
  /** Grows with everything that is worth keeping. */
  readonly version: () => number
  /** Milliseconds since 1970. */
  readonly wall: () => number
  readonly timers: Timers
}

/** What is lost by a crash in between comes again with the stream. */
const spacingMsMin = 5_000
/** A thousandth of the disk's time, more or less: a million records are written every 40 s. */
const spacingMsPerByte = 1 / 1_000
/** Where nothing is new, only the age of the listed keys is. */
const redateMs = 300_000

/**
 * What is restored is a claim of the past: its revocations count at once, and its place in the log is one that
 * the stream goes on from, where the chain of the first frame proves it. It vouches for nothing: nobody knows
 * how long ago it was, because a wall clock may have been set while no process ran.
 */
export function createStateKeeper(options: StateKeeperOptions): StateKeeper {
  const { file, log, table, version, wall, timers } = options
  let kept: { readonly version: number; readonly atMs: number } | undefined
  let dueAtMs = timers.monotonic()
  let cancel: (() => void) | undefined
  let saving: Promise<void> | undefined

  function isDue(): boolean {
    if (kept === undefined || kept.version !== version()) return true
    return timers.monotonic() - kept.atMs >= redateMs
  }

  async function save(): Promise<void> {
    const checkpoint = log.position() && log.checkpoint()
    if (checkpoint === undefined) return
    kept = { version: version(), atMs: timers.monotonic() }
    // The table only grows, so at the end of it too it holds what the checkpoint covers.
    const bytes = await file.write(checkpoint, table.records())
    dueAtMs = timers.monotonic() + Math.max(spacingMsMin, bytes * spacingMsPerByte)
  }

  function start(): void {
    cancel = undefined
    saving = save().finally(() => {
      saving = undefined
    })
  }

  return {
    restore: async () => {
      const state = await file.read()
      if (state === undefined) return
      const { checkpoint, records } = state
      // Keys that are newer than the list are not on it. One that was withdrawn has a record besides.
      const listsKeys = wall() - checkpoint.at < keysStaleMsMax
      await log.restore(checkpoint, records, listsKeys)
      kept = { version: version(), atMs: timers.monotonic() }
    },
    note: () => {
      if (cancel !== undefined || saving !== undefined || !isDue()) return
      cancel = timers.schedule(start, Math.max(0, dueAtMs - timers.monotonic()))
    },
    close: async () => {
      cancel?.()
      await saving
      if (isDue()) await save()
    },
  }
}
