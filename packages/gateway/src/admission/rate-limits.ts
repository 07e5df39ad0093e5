import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Allowance } from '@portcullis/runtime'
import { createAllowance } from '@portcullis/runtime'
import { networkOf } from '@portcullis/runtime/networks'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse } from '../exchange/refusal.ts'
import type { RateLimit, RateLimitSettings } from '../settings/settings.ts'

/** Each takes one request from what is allowed, or says why there is none. */
export interface RateLimits {
  /** By the address of the client: its network is what it cannot leave by itself. Before anything is judged. */
  readonly takeFromNetwork: (clientAddress: string) => Refusal | undefined
  /** By what the token says that was judged: nobody takes from another's, nor has more by another token. */
  readonly takeFromCaller: (claims: AccessTokenClaims) => Refusal | undefined
}

/** Some ten megabytes of each kind. */
const keysMax = 100_000

export function createRateLimits(
  { network, subject, client }: RateLimitSettings,
  now: () => number,
): RateLimits {
  const takeOfNetwork = createTake('network', network, now)
  const takeOfSubject = createTake('subject', subject, now)
  const takeOfClient = createTake('client', client, now)
  return {
    takeFromNetwork: (clientAddress) => takeOfNetwork?.(networkOf(clientAddress)),
    takeFromCaller: ({ sub, client_id: clientId }) =>
      takeOfSubject?.(sub) ?? takeOfClient?.(clientId),
  }
}

function createTake(
  kind: 'network' | 'subject' | 'client',
  limit: RateLimit | undefined,
  now: () => number,
): ((key: string) => Refusal | undefined) | undefined {
  if (limit === undefined) return undefined
  const { perSecond, burst } = limit
  const allowance: Allowance = createAllowance({ burst, refillMs: 1000 / perSecond, keysMax, now })
  const detail = `more than ${perSecond} requests a second for one ${kind}`
  return (key) => {
    const waitMs = allowance(key)
    if (waitMs === 0) return undefined
    const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) }
    const refusal = refuse('too-many-requests', detail, headers)
    const reason = `${kind}-rate` as const
    return { ...refusal, reason, ...(kind === 'network' && { network: key }) }
  }
}
