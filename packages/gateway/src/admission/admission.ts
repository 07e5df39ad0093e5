import type { AccessTokenClaims } from '@portcullis/protocol'
import type { TokenWatch } from '@portcullis/verify'
import type { Exchange } from '../exchange/exchange.ts'
import type { Judge } from './judge.ts'
import type { RateLimits } from './rate-limits.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse } from '../exchange/refusal.ts'
import { parseRequestTarget } from '../request/target.ts'
import type { RouteTable } from '../routing/table.ts'
import type { Route } from '../settings/settings.ts'

/** What is judged of a request, whether it is forwarded here or by the proxy that asks about it. */
export interface AskedRequest {
  readonly kind: 'asked'
  readonly method: string
  /** As the request says it, with the port if it says one. */
  readonly host: string
  /** As it stands in the request line. */
  readonly target: string
  /** The value of each Authorization field. */
  readonly authorizations: readonly string[]
  readonly forwardedBy: 'gateway' | 'proxy'
  /** Judges in place of the usual judge: also by what else the request shows. */
  readonly judge?: Judge['judge'] | undefined
}

export interface Admission {
  readonly kind: 'admitted'
  readonly route: Route
  readonly target: string
  /** Of the token, where there was one and it was judged. */
  readonly claims: AccessTokenClaims | undefined
  /** Ends as soon as that token would be refused. */
  readonly watch: (() => TokenWatch) | undefined
}

export interface AdmissionParts {
  readonly routes: RouteTable
  readonly judge: Judge
  readonly rateLimits: RateLimits
}

/** The one way in: finds the route of a request and judges it, and tells the exchange what it finds. */
export async function admit(
  { routes, judge, rateLimits }: AdmissionParts,
  exchange: Exchange,
  { method, host, target: text, authorizations, forwardedBy, judge: own }: AskedRequest,
): Promise<Admission | Refusal> {
  const target = parseRequestTarget(text)
  if (target.kind === 'ambiguous') return refuse('ambiguous-target', target.why)

  const found = routes.find(host, target.path, method)
  if (found.kind === 'not-found') return refuse('not-found')
  exchange.route = found.match
  if (found.kind === 'method-not-allowed') {
    return refuse('method-not-allowed', undefined, { allow: found.allow })
  }
  const { route } = found
  if (forwardedBy === 'gateway' && route.to.length === 0) return refuse('not-found')
  const verdict = await (own ?? judge.judge)(route.auth, authorizations)
  const { claims } = verdict
  if (claims !== undefined) {
    exchange.subject = claims.sub
    // Also of who may not do this: to find that out has cost as much.
    const refusal = rateLimits.takeFromCaller(claims)
    if (refusal !== undefined) return refusal
  }
  if (verdict.kind === 'refused') return verdict.refusal
  return { kind: 'admitted', route, target: target.target, claims, watch: verdict.watch }
}
