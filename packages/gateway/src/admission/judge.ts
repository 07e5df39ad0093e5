import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Auth, Requirement, TokenWatch, Verifier } from '@portcullis/verify'
import {
  authenticateHeader,
  requireFresh,
  requireRecentAuth,
  requireRole,
  requireScope,
  VerifyError,
} from '@portcullis/verify'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse, tokenRefusal } from '../exchange/refusal.ts'
import type { Route, RouteAuth } from '../settings/settings.ts'

/** `passed` without claims: nobody has shown who they are, and the route allows that. */
export type Verdict =
  | {
      readonly kind: 'passed'
      readonly claims?: AccessTokenClaims
      /** For what outlives the request: ends as soon as the token would be refused here. */
      readonly watch?: () => TokenWatch
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly claims?: AccessTokenClaims }

export interface Judge {
  /**
   * Judges a request by its Authorization fields and by nothing else it carries. `required`: a
   * valid token, or refused. `optional`: as `required` as soon as there is an Authorization field
   * of any kind, so a bad token never becomes an anonymous caller. `none`: not judged; but two such
   * fields are refused on every route, because the service might read the other one.
   */
  readonly judge: (auth: RouteAuth, authorizations: readonly string[]) => Promise<Verdict>
}

/** `verifier` is undefined where no route asks for a token; `now` is in milliseconds since 1970. */
export function createJudge(
  routes: readonly Pick<Route, 'auth'>[],
  verifier: Verifier | undefined,
  now: () => number,
): Judge {
  const checks = new Map<RouteAuth, TokenCheck>()
  for (const { auth } of routes) {
    if (auth.mode === 'none' || verifier === undefined) continue
    const requirements = requirementsOf(auth, now)
    checks.set(auth, { verifier: verifier.withAudience(auth.audience), requirements })
  }
  return {
    judge: async (auth, authorizations) => {
      if (auth.mode === 'none') return judgeNothing(authorizations)
      if (auth.mode === 'optional' && authorizations.length === 0) return { kind: 'passed' }
      const check = checks.get(auth)
      if (check === undefined) throw new TypeError('not a route of this gateway')
      return judgeToken(check, authorizations)
    },
  }
}

function judgeNothing(authorizations: readonly string[]): Verdict {
  if (authorizations.length < 2) return { kind: 'passed' }
  const detail = 'more than one Authorization header'
  return { kind: 'refused', refusal: refuse('invalid-request', detail) }
}

/** What a route asks of a token; built once. */
interface TokenCheck {
  readonly verifier: Verifier
  readonly requirements: readonly Requirement[]
}

async function judgeToken(
  { verifier, requirements }: TokenCheck,
  authorizations: readonly string[],
): Promise<Verdict> {
  let auth: Auth | undefined
  try {
    const verified = await authenticateHeader(verifier, authorizations)
    auth = verified
    for (const requirement of requirements) requirement(verified)
    const watch = (): TokenWatch => verifier.watch(verified, ...requirements)
    return { kind: 'passed', claims: verified.claims, watch }
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error
    const refusal = tokenRefusal(error)
    return auth === undefined
      ? { kind: 'refused', refusal }
      : { kind: 'refused', refusal, claims: auth.claims }
  }
}

function requirementsOf(
  auth: Exclude<RouteAuth, { mode: 'none' }>,
  now: () => number,
): Requirement[] {
  const { scope, roles, maxStalenessSeconds, recentAuthSeconds: seconds } = auth
  return [
    ...(maxStalenessSeconds === undefined ? [] : [requireFresh({ maxStalenessSeconds })]),
    ...(seconds === undefined ? [] : [requireRecentAuth({ seconds, now })]),
    ...(scope.length === 0 ? [] : [requireScope(...scope)]),
    ...(roles.length === 0 ? [] : [requireRole(...roles)]),
  ]
}
