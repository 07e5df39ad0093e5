import type { HighWater, HighWaterMark } from './high-water.ts'

/** What is known of a store before its log is gone on with. */
export interface KnownHistory {
  readonly highWater: Pick<HighWater, 'isKept'>
  /** Read from the high water before the head was: what is committed in between is no loss. */
  readonly mark: HighWaterMark | undefined
  /** Of the connection that the head is read over. */
  readonly lineage: string | undefined
}

/** The head of the log as it is in the store. */
export interface FoundHistory extends HighWaterMark {
  /** Of the server that the log was written on last. */
  readonly lineage: string | undefined
}

/** In the place of a lineage: of a store that was put back from a backup, and not opened since. */
export const restoredLineage = 'restored'

/** What tells that commits that were acknowledged may be missing; undefined when nothing does. */
export function lossIn(found: FoundHistory, known: KnownHistory): string | undefined {
  if (found.lineage === restoredLineage) return 'a backup was put back'
  return lineageFault(found.lineage, known.lineage) ?? lossBehind(found, known)
}

function lossBehind(
  found: HighWaterMark,
  { highWater: { isKept }, mark }: KnownHistory,
): string | undefined {
  if (mark === undefined) return isKept ? 'the mark beside the database is missing' : undefined
  if (mark.epoch !== found.epoch) {
    // Another node may have begun it, above all bases that it has seen. A kept mark is of one node alone.
    return !isKept && found.base > mark.base ? undefined : 'the mark is of another epoch'
  }
  return mark.seq > found.seq || mark.at > found.at
    ? 'the database is older than its mark'
    : undefined
}

/** A server that was promoted, or a copy on another one, may lack the last commits of the one before. */
function lineageFault(known: string | undefined, present: string | undefined): string | undefined {
  return known === undefined || present === undefined || known === present
    ? undefined
    : 'the database goes on somewhere else than before: a failover, or a copy'
}
