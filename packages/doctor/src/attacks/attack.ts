import type { Severity } from '../report/severity.ts'
import type { WeaknessId } from './weaknesses.ts'

/** What of a request differs from one attack to the other. */
export interface AttackRequest {
  /** In the order in which they are sent; a name may stand there twice. */
  readonly headers: readonly (readonly [string, string])[]
  /** Default: that of the target. */
  readonly method?: string
  /** Path and query. Default: those of the target. */
  readonly path?: string
  /** What no answer may repeat. */
  readonly token?: string
}

/** One request that must be refused, and the same without the defect, which must pass. */
export interface Attack {
  readonly id: string
  readonly forges: string
  readonly references: readonly string[]
  readonly weakness: WeaknessId
  readonly severity: Severity
  /** Built when it is sent: times in it are counted from then. */
  readonly request: () => AttackRequest
  readonly twin: () => AttackRequest
  /** Attacks of one twin share the question whether it passes. */
  readonly twinName: string
  /** Only an answer like that to the valid token tells that it passed. */
  readonly mustBeAlike?: boolean
}

/** An attack that cannot be made, and why. */
export interface Unmade {
  readonly id: string
  readonly why: string
}
