import type { Anomaly } from './anomalies.ts'
import type { Judgement, StateKey, WatchedState } from './judge.ts'
import { judge, statesFor } from './judge.ts'
import type { Judging } from './watchers.ts'
import type { At, Clue, Looked, Sighting } from './sightings.ts'

/** `full`: too much waits to be judged, and nothing was kept. */
export type WriteSightings = (sightings: readonly At<Sighting>[]) => Promise<'written' | 'full'>

/** What nobody has judged yet, up to a bound. */
export interface Waiting {
  /** Which turn it is: the one that judges it is the only one. */
  readonly version: number
  readonly clues: readonly Clue[]
  /** There is more behind it. */
  readonly isMore: boolean
  /** Where this leaves off, as the store knows it. */
  readonly taken: Taken
}

export interface Taken {
  readonly sightings: readonly number[]
  readonly cursors: readonly (readonly [chain: string, seq: number])[]
  /** Whether keys and followers were looked at. */
  readonly hasLooked: boolean
}

export interface AnomalyTurns {
  /** Keys and followers are looked at when nobody has done so for a while. */
  readonly waiting: (look: () => Promise<readonly Looked[]>) => Promise<Waiting>
  readonly statesOf: (
    keys: readonly StateKey[],
  ) => Promise<readonly Pick<WatchedState, 'watcher' | 'subject' | 'state'>[]>
  /**
   * Keeps what was judged, all of it or nothing, and answers the anomalies that nobody was told of before. Undefined when
   * another node has had this turn.
   */
  readonly keep: (waiting: Waiting, judgement: Judgement) => Promise<readonly Anomaly[] | undefined>
  /** Takes a bounded number of things away that are over, and answers whether there may be more. */
  readonly forget: (retentionMs: number) => Promise<boolean>
}

/** What rules do by themselves about what they have found. */
export interface AnomalyActions {
  /** Answers those on which this node has acted, each once among all nodes. */
  readonly actOnWaiting: () => Promise<readonly Anomaly[]>
}

export interface TurnParts {
  readonly turns: AnomalyTurns
  readonly look: () => Promise<readonly Looked[]>
  readonly judging: Judging
}

export interface Turn {
  readonly opened: readonly Anomaly[]
  readonly isMore: boolean
}

/** Judges what waits. Of several nodes at once one does, and the others have done nothing. */
export async function takeTurn({ turns, look, judging }: TurnParts): Promise<Turn> {
  const waiting = await turns.waiting(look)
  const { clues, taken, isMore } = waiting
  const isIdle = clues.length === 0 && taken.cursors.length === 0 && !taken.hasLooked
  if (isIdle) return { opened: [], isMore: false }
  const states = await turns.statesOf(statesFor(clues))
  const opened = await turns.keep(waiting, judge(clues, states, judging))
  return opened === undefined ? { opened: [], isMore: false } : { opened, isMore }
}
