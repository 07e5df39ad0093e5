import type { Attack } from '../attacks/attack.ts'
import type { WeaknessId } from '../attacks/weaknesses.ts'

/** What became of one attack. */
export type Outcome =
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'accepted'; readonly status: number }
  /** Nothing is said about it: its twin did not pass, or the answer is about something else. */
  | { readonly kind: 'not-judged'; readonly why: string }

export interface Trial {
  readonly attack: Attack
  readonly outcome: Outcome
  /** What else was wrong with the answer. */
  readonly faults: readonly WeaknessId[]
}

/** What became of a token that was taken back. */
export type RevocationOutcome =
  | { readonly kind: 'refused'; readonly afterMs: number }
  | { readonly kind: 'accepted'; readonly afterMs: number; readonly isPromised: boolean }
  | { readonly kind: 'not-tried'; readonly why: string }
