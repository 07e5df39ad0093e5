import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Verifier } from '@portcullis/verify'
import type { KeptState } from '../../packages/verify/src/revocation/state-file.ts'
import type { Clock } from './clock.ts'
import type { StateDisk } from './state-disk.ts'
import type { KnownToken } from './token-ledger.ts'
import type { Path } from './ways.ts'

/** A service with the production verifier, in the time and on the network of this world. */
export interface SimulatedFollower {
  readonly name: string
  readonly clock: Clock
  readonly path: Path
  readonly maxStalenessMs: number
  /** Undefined for a service whose disk is gone with its process. */
  readonly disk: StateDisk | undefined
  /** Each life forgets what the one before knew, but for what is on its disk. */
  readonly restart: () => void
  /** Says that it ends, and takes its time for it. Answers what it leaves on its disk. */
  readonly stop: () => Promise<KeptState | undefined>
  /** From then on it accepts nothing. */
  readonly isEnding: () => boolean
  /** What this life has found on its disk. */
  readonly foundPosition: () => RevocationPosition | undefined
  /** Whether this life was seen there, or behind it. */
  readonly hasBeenAt: (position: RevocationPosition) => boolean
  /** How the issuer knows this life; undefined before it does, and when it has begun to end. */
  readonly reported: () => Reported | undefined
  readonly verifier: () => Verifier
  /** What it must think the time is at the least, by what it was shown. */
  readonly nowMs: () => number
  /**
   * What it takes for the time, ahead of true time, whatever it is shown from now on: by a clock of its own that was
   * ahead it has believed one of the store that was further ahead than clocks may be. Mostly less than nothing.
   */
  readonly aheadForGoodMs: () => number
  /** Clocks that were set back, all together. */
  readonly setBackMs: () => number
  readonly stepMs: (ms: number) => void
  /** What this life has once refused as revoked. */
  readonly refused: () => Set<KnownToken>
  /** What lives on a token that was let in once. */
  readonly connections: () => OpenedByToken[]
}

export interface OpenedByToken {
  readonly token: KnownToken
  /** Aborts when it has to end. */
  readonly signal: AbortSignal
  /** Since when it should have ended. */
  lateSince: number | undefined
}

export interface Reported {
  readonly follower: string
  readonly firstAt: number
  lastAt: number
}
