import type { Checkpoint } from '@portcullis/protocol/revocations'
import type { FetchedKeySet } from '../issuer/documents.ts'
import { clockDifferenceMsMax } from '../issuer/answer-age.ts'

/**
 * The signing keys that live. A checkpoint lists them, and what it does not list is withdrawn, whatever a key set
 * of before says. Whoever has lost the feed learns of newer keys by a key set that the issuer has made since.
 */
export interface LiveKids {
  /** Undefined while there is no list that counts. */
  readonly kids: () => readonly string[] | undefined
  /** Goes by the list of a checkpoint; answers the keys that it takes back. */
  readonly list: (checkpoint: Checkpoint) => readonly string[]
  /** The same for the list of an earlier life; without `counts` it withdraws none. */
  readonly restore: (checkpoint: Checkpoint, counts: boolean) => void
  /** The issuer was asked for its keys, and has answered these. */
  readonly publish: (keySet: Pick<FetchedKeySet, 'keys' | 'madeAtMs'>) => void
}

interface KnownKids {
  readonly kids: readonly string[]
  readonly atMs: number
}

/** `wall`: milliseconds since 1970, by a clock that somebody may set. */
export function createLiveKids(wall: () => number): LiveKids {
  let listed: KnownKids | undefined
  let published: KnownKids | undefined
  let isCounting = true
  let live: readonly string[] | undefined
  // They are few: a key lives for days.
  const dropped = new Set<string>()

  /**
   * Those of a key set that is newer than the list, whatever two clocks of the issuer differ by. One that was
   * listed before was withdrawn, though a node that lags behind may have it. A key that was withdrawn before it
   * was ever listed here has its record.
   */
  function youngKids({ kids, atMs }: KnownKids): readonly string[] {
    if (published === undefined || published.atMs <= atMs + clockDifferenceMsMax) return []
    return published.kids.filter((kid) => !kids.includes(kid) && !dropped.has(kid))
  }

  function settle(): void {
    const young = listed === undefined ? [] : youngKids(listed)
    if (!isCounting || listed === undefined) live = undefined
    else live = young.length === 0 ? listed.kids : [...listed.kids, ...young]
  }

  return {
    kids: () => live,
    list: ({ kids, at }) => {
      const before = live ?? listed?.kids ?? []
      for (const kid of listed?.kids ?? []) if (!kids.includes(kid)) dropped.add(kid)
      listed = { kids, atMs: at }
      isCounting = true
      settle()
      return before.filter((kid) => live?.includes(kid) === false)
    },
    restore: ({ kids, at }, counts) => {
      listed = { kids, atMs: at }
      isCounting = counts
      settle()
    },
    publish: ({ keys, madeAtMs: atMs }) => {
      // Who does not say when it was made may have kept it for long.
      if (atMs === undefined || atMs > wall() + clockDifferenceMsMax) return
      if (atMs < (published?.atMs ?? 0)) return
      published = { kids: [...keys.keys()], atMs }
      settle()
    },
  }
}

/** One by one: a kid may hold any character, so no joined text tells two lists apart. */
export function isSameList(
  some: readonly string[] | undefined,
  others: readonly string[] | undefined,
): boolean {
  // No list withdraws nothing, and an empty one everything.
  if (some === undefined || others === undefined) return some === others
  return some.length === others.length && some.every((kid, at) => kid === others[at])
}
