import type { Finding } from './anomalies.ts'
import type { AnomalyBounds } from './rules.ts'
import type { Clue } from './sightings.ts'

/** What a rule is judged by, beside what was seen. */
export interface Judging {
  readonly bounds: AnomalyBounds
  /** Where a network is, in whatever words; undefined where nobody knows. Nothing is looked up by default. */
  readonly placeOf: (network: string) => string | undefined
}

export interface Judged<State> {
  /** The very one that was given when nothing has changed. */
  readonly state: State
  readonly findings?: readonly Finding[]
}

/** Remembers a bounded thing of each subject, as JSON, and says when a rule holds. */
export interface Watcher<State> {
  /** Under which its states are kept. One whose states look different later has another name. */
  readonly name: string
  /** For so long after it was last changed a state is kept. */
  readonly keepMs: number
  readonly subjectOf: (clue: Clue) => string | undefined
  readonly see: (state: State | undefined, clue: Clue, judging: Judging) => Judged<State>
}

export type AnyWatcher = Watcher<unknown>

/** States come back from where only this watcher has put them. */
export function watcher<State>(watching: Watcher<State>): AnyWatcher {
  return {
    ...watching,
    see: (state, clue, judging) => watching.see(state as State | undefined, clue, judging),
  }
}
