import * as fc from 'fast-check'

/** What somebody does. Which of the tokens that he has he uses, is decided when he gets to it. */
export interface PlannedDeed {
  readonly kind: PlannedKind
  /** Which device, modulo those that are signed in by then. */
  readonly device: number
  /** `previous` and `oldest` are what a lagging tab has, or a thief. */
  readonly token: 'newest' | 'previous' | 'oldest'
  readonly hasAttempt: boolean
  readonly isPasswordWrong: boolean
  /** The client is gone before the answer comes. */
  readonly isLost: boolean
  /** Which node is asked, where there are two. */
  readonly node: number
  /** Where time is real: how late this comes in its round, in milliseconds. */
  readonly delayMs: number
}

export type PlannedKind =
  | 'login'
  | 'refresh'
  /** Sends the last refresh of the device once more, with the same `attempt`. */
  | 'retry'
  | 'logout-by-refresh-token'
  | 'logout-by-access-token'
  | 'end-another'
  | 'everywhere'
  | 'password-change'
  | 'block'
  | 'unblock'
  | 'rotate-keys'
  | 'show'
  | 'disturb'

/** Deeds that are done at the same time. */
export interface PlannedRound {
  /** How far the clock goes before it. */
  readonly clockStepMs: number
  readonly deeds: readonly PlannedDeed[]
}

/** The history of one account. */
export interface Plan {
  readonly devices: number
  readonly rounds: readonly PlannedRound[]
}

/** What ends sessions weighs as much as what goes on with them: histories are about their meeting. */
const kinds: readonly (readonly [weight: number, kind: PlannedKind])[] = [
  [10, 'refresh'],
  [4, 'retry'],
  [4, 'login'],
  [2, 'logout-by-refresh-token'],
  [1, 'logout-by-access-token'],
  [1, 'end-another'],
  [2, 'everywhere'],
  [4, 'password-change'],
  [2, 'block'],
  [2, 'unblock'],
  [1, 'rotate-keys'],
  [1, 'show'],
]

/** Within the window of 30 seconds, at its end, and beyond it. */
const clockStepsMs = [0, 0, 1, 10_000, 29_999, 30_000, 31_000, 31_000]

const devicesMax = 3
const roundsMax = 4
const deedsMax = 5
const delayMsMax = 8

/** `disturbanceWeight`: how often something breaks, where the kinds above weigh 34 together. */
export function planOf(disturbanceWeight: number): fc.Arbitrary<Plan> {
  const [first, ...others] = [...kinds, [disturbanceWeight, 'disturb'] as const].map(
    ([weight, kind]) => ({ weight, arbitrary: fc.constant(kind) }),
  )
  if (first === undefined) throw new TypeError('there are no kinds of deeds')
  const deed = fc.record<PlannedDeed>({
    kind: fc.oneof(first, ...others),
    device: fc.nat(devicesMax),
    token: fc.constantFrom('newest', 'newest', 'newest', 'newest', 'previous', 'oldest'),
    hasAttempt: fc.boolean(),
    isPasswordWrong: oneIn(8),
    isLost: oneIn(6),
    node: fc.nat(1),
    delayMs: fc.nat(delayMsMax),
  })
  const round = fc.record<PlannedRound>({
    clockStepMs: fc.constantFrom(...clockStepsMs),
    deeds: fc.array(deed, { minLength: 1, maxLength: deedsMax }),
  })
  return fc.record<Plan>({
    devices: fc.integer({ min: 1, max: devicesMax }),
    rounds: fc.array(round, { minLength: 1, maxLength: roundsMax }),
  })
}

/** True in one of so many cases; shrinks to false. */
function oneIn(count: number): fc.Arbitrary<boolean> {
  return fc.nat(count - 1).map((chosen) => chosen === count - 1)
}
