import { demand, rejectUnknown, requireObject } from '../option-checks.ts'

/** Remembers which proofs were used. */
export interface ReplayStore {
  /**
   * True when this key is used for the first time, and false for ever after, until `untilMs`
   * (milliseconds since 1970), when it may be forgotten: the proof is then too old by itself. Checking
   * and keeping must be one step. Throws or rejects when it cannot tell; the proof then does not
   * count. Anything but true refuses. The key is two digests with a dot between them: of the key that proves,
   * and of the proof's name.
   */
  readonly use: (key: string, untilMs: number) => boolean | Promise<boolean>
}

/** How many proofs are remembered, and by which clock. */
export interface ReplayMemoryOptions {
  /**
   * How many proofs are held at most; about 200 bytes each. Default 100,000. One client, who proves with one
   * key, may have a hundredth of them.
   */
  readonly countMax?: number
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

const countMaxDefault = 100_000
/** So many clients there have to be before the memory can be full. */
const holdersMin = 100
/** Not for every proof: a Map is walked over the gaps of what was deleted from it too. */
const sweepMs = 1_000

/**
 * Remembers proofs in this process, each by its key, so that none is taken for another. When it is
 * full it throws, and refuses new proofs rather than forget an old one, which could then be replayed.
 * With several replicas a proof can be used once at each of them: share a store where that matters.
 * Throws a TypeError when an option is unknown or wrong.
 */
export function createReplayMemory(options: ReplayMemoryOptions = {}): ReplayStore {
  const {
    countMax = countMaxDefault,
    now = Date.now,
    ...unknown
  } = requireObject(options, 'options')
  rejectUnknown(unknown)
  const isCount = Number.isInteger(countMax) && countMax >= 1
  demand(isCount, 'countMax', 'must be a whole number from 1 on')
  const shareMax = Math.ceil(countMax / holdersMin)
  const untilByKey = new Map<string, number>()
  const countByHolder = new Map<string, number>()
  let sweptAtMs = -Infinity

  function sweep(): void {
    const nowMs = now()
    if (nowMs < sweptAtMs + sweepMs) return
    sweptAtMs = nowMs
    // Oldest first: one that must be kept holds up those behind it, for as long as a proof lives.
    for (const [key, untilMs] of untilByKey) {
      if (untilMs >= nowMs) return
      untilByKey.delete(key)
      const left = (countByHolder.get(holderOf(key)) ?? 1) - 1
      if (left === 0) countByHolder.delete(holderOf(key))
      else countByHolder.set(holderOf(key), left)
    }
  }

  return {
    use: (key, untilMs) => {
      sweep()
      // The clock was set back: what has been forgotten since cannot be told from what was never used.
      if (untilMs < sweptAtMs || untilByKey.has(key)) return false
      const count = countByHolder.get(holderOf(key)) ?? 0
      if (count >= shareMax) throw new Error('this key has used up its share of DPoP proofs')
      if (untilByKey.size >= countMax) throw new Error('the memory of used DPoP proofs is full')
      untilByKey.set(key, untilMs)
      countByHolder.set(holderOf(key), count + 1)
      return true
    },
  }
}

function holderOf(key: string): string {
  return key.split('.', 1)[0] ?? key
}
