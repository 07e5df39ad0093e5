import { randomBytes } from 'node:crypto'
import type { Algorithm, AlgorithmName } from '@portcullis/protocol/jws'
import {
  algorithmNamed,
  algorithms as knownAlgorithms,
  isAlgorithmName,
} from '@portcullis/protocol/jws'
import {
  demand,
  rejectUnknown,
  requireClock,
  requireObject,
  requireOrigin,
  requireWhole,
} from '../option-checks.ts'
import type { NonceKeys, Nonces } from './nonces.ts'
import { createNonces } from './nonces.ts'
import type { ReplayStore } from './replays.ts'
import { createReplayMemory } from './replays.ts'

/** What proofs are believed. Unknown names and wrong values are a TypeError. */
export interface ProofJudgeOptions {
  /** What proofs may be signed with. Default: every algorithm that is known here; all are asymmetric. */
  readonly algorithms?: readonly AlgorithmName[]
  /** How old a proof may be, by its `iat`. Default 60, at most 300. */
  readonly maxAgeSeconds?: number
  /** How far ahead `iat` may be, for clocks that disagree. Default 5, at most 60. */
  readonly leewaySeconds?: number
  /**
   * The origins of this service, such as `https://orders.example`. A proof for another is refused, whatever
   * the request says of itself: its `Host` is chosen by whoever sends it. Default: that is believed.
   */
  readonly origin?: string | readonly string[]
  /** `required`: a proof counts only with a nonce that this service has given (RFC 9449 section 9). */
  readonly nonce?: 'required'
  /**
   * 32 random bytes, the same at every replica. Default: chosen for this process alone. Of several, the first
   * makes nonces, and those of all are good: so it can be changed at one replica after the other.
   */
  readonly nonceKey?: Uint8Array | NonceKeys
  /** Default: `createReplayMemory()`, in this process alone. */
  readonly replays?: ReplayStore
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

export interface ProofSettings {
  /** By name. */
  readonly algorithms: ReadonlyMap<string, Algorithm>
  readonly maxAgeSeconds: number
  readonly leewaySeconds: number
  /** None when the request is believed. */
  readonly origins: ReadonlySet<string>
  /** Undefined when no nonce is wanted. */
  readonly nonces: Nonces | undefined
  readonly replays: ReplayStore
  readonly now: () => number
}

const maxAgeSecondsDefault = 60
const maxAgeRange = { min: 1, max: 300, unit: 'seconds' }
const leewaySecondsDefault = 5
const leewayRange = { min: 0, max: 60, unit: 'seconds' }
const nonceKeyBytes = 32

/** Checks and copies the options. A name or value that is not expected is a TypeError naming it. */
export function parseProofOptions(options: ProofJudgeOptions): ProofSettings {
  const {
    algorithms = [...knownAlgorithms.keys()],
    maxAgeSeconds = maxAgeSecondsDefault,
    leewaySeconds = leewaySecondsDefault,
    origin = [],
    nonce,
    nonceKey,
    now = Date.now,
    replays = createReplayMemory({ now }),
    ...unknown
  } = requireObject(options, 'options')
  rejectUnknown(unknown)
  const isList = Array.isArray(algorithms) && algorithms.length > 0
  demand(
    isList && algorithms.every(isAlgorithmName),
    'algorithms',
    `must be a list of some of ${[...knownAlgorithms.keys()].join(', ')}`,
  )
  demand(typeof replays?.use === 'function', 'replays', 'must have a function use')
  return {
    algorithms: new Map(algorithms.map((name) => [name, algorithmNamed(name)])),
    maxAgeSeconds: requireWhole(maxAgeSeconds, 'maxAgeSeconds', maxAgeRange),
    leewaySeconds: requireWhole(leewaySeconds, 'leewaySeconds', leewayRange),
    origins: new Set([origin].flat().map((one) => requireOrigin(one, 'origin'))),
    nonces: requireNonces(nonce, nonceKey, now),
    replays,
    now: requireClock(now),
  }
}

function requireNonces(
  nonce: unknown,
  given: ProofJudgeOptions['nonceKey'],
  now: () => number,
): Nonces | undefined {
  demand(nonce === undefined || nonce === 'required', 'nonce', 'must be "required" or left out')
  const isWanted = nonce === 'required'
  demand(isWanted || given === undefined, 'nonceKey', 'would never be used without "nonce"')
  const [first = randomBytes(nonceKeyBytes), ...others] = [given ?? []].flat().map((key) => {
    const isKey = key instanceof Uint8Array && key.length === nonceKeyBytes
    demand(isKey, 'nonceKey', `must be ${nonceKeyBytes} bytes`)
    return Uint8Array.from(key)
  })
  return isWanted ? createNonces([first, ...others], now) : undefined
}
