import type { AttackRequest } from '../attacks/attack.ts'
import type { TokenAttacks } from '../attacks/token-attacks.ts'
import type { Report } from '../report/report.ts'

/** Where valid tokens come from, and what can be made of them. */
export interface TokenSource {
  readonly mode: Report['mode']
  /** A request with a valid token. */
  readonly plain: () => AttackRequest
  readonly attacks: () => TokenAttacks
  /** How long a valid token may be refused at first, until the service trusts who signs it. */
  readonly waitSeconds: number
  /** Undefined where no token can be taken back; `why` says so. */
  readonly takeBack: () => TakeBack | { readonly why: string }
  readonly close: () => Promise<void>
}

/** A valid token of its own, and how it is taken back. */
export interface TakeBack {
  readonly request: AttackRequest
  readonly revoke: () => Promise<void>
  /** True when the service has promised to learn of it. */
  readonly isPromised: boolean
}
