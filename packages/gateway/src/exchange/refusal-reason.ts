import type { ProblemCode } from '@portcullis/protocol'
import type { VerifyError, VerifyErrorCode } from '@portcullis/verify'

/** What only the gateway says, beside the codes of problems and what is wrong with a token: `docs/logs.md` has them all. */
type GatewayReason =
  | 'network-rate'
  | 'subject-rate'
  | 'client-rate'
  | 'session-over'
  | 'session-audience'
  | 'untrusted-proxy'
  | 'too-long'

export type RefusalReason =
  ProblemCode | VerifyErrorCode | NonNullable<VerifyError['reason']> | GatewayReason
