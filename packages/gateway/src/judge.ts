import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Log } from '@portcullis/runtime'
import type { Auth, ClientCredential, Fetch, Requirement, Verifier } from '@portcullis/verify'
import {
  authenticateHeader,
  createVerifier,
  problemOf,
  requireFresh,
  requireRecentAuth,
  requireRole,
  requireScope,
  responseHeadersOf,
  VerifyError,
} from '@portcullis/verify'
import type { Refusal } from './refusal.ts'
import { refuse } from './refusal.ts'
import type { GatewaySettings, RouteAuth } from './settings.ts'

/** `passed` without claims: nobody has shown who they are, and the route allows that. */
export type Verdict =
  | { readonly kind: 'passed'; readonly claims?: AccessTokenClaims }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly claims?: AccessTokenClaims }

export interface Judge {
  /**
   * Judges a request by its Authorization fields and by nothing else it carries. `required`: a
   * valid token, or refused. `optional`: as `required` as soon as there is an Authorization field
   * of any kind, so a bad token never becomes an anonymous caller. `none`: not judged; but two such
   * fields are refused on every route, because the service might read the other one.
   */
  readonly judge: (auth: RouteAuth, authorizations: readonly string[]) => Promise<Verdict>
  /**
   * Has keys and a first snapshot of the revocations at hand, fetching them if need be, and names
   * what is missing: nothing, or what the issuer has not given yet, which is also logged. A feed that
   * is lost later is not missing: young tokens still pass, and every other gateway has lost it too.
   */
  readonly missing: () => Promise<readonly string[]>
  /** The verifier of its feed; undefined where no route asks for a token. */
  readonly verifier: Verifier | undefined
  /** Stops following the issuer. */
  readonly close: () => Promise<void>
}

export interface JudgeOptions {
  readonly client?: ClientCredential | undefined
  readonly log: Log
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined
  /** Asks the issuer. Default the global `fetch`. */
  readonly fetch?: Fetch | undefined
}

/** One source of keys and revocations for the whole gateway, whatever the number of audiences. */
export function createJudge(
  { issuer, revocation, routes }: Pick<GatewaySettings, 'issuer' | 'revocation' | 'routes'>,
  { client, log, now = Date.now, fetch = globalThis.fetch }: JudgeOptions,
): Judge {
  const checks = new Map<RouteAuth, TokenCheck>()
  let first: Verifier | undefined
  for (const { auth } of routes) {
    if (auth.mode === 'none') continue
    first ??= createVerifier({
      issuer,
      audience: auth.audience,
      revocation,
      now,
      fetch,
      onWarning: ({ code, message }) => log.warn({ issuer, code }, message),
      ...(client === undefined ? {} : { client }),
    })
    const verifier = first.withAudience(auth.audience)
    checks.set(auth, { verifier, requirements: requirementsOf(auth, now) })
  }
  return {
    judge: async (auth, authorizations) => {
      if (auth.mode === 'none') return judgeNothing(authorizations)
      if (auth.mode === 'optional' && authorizations.length === 0) return { kind: 'passed' }
      const check = checks.get(auth)
      if (check === undefined) throw new TypeError('not a route of this gateway')
      return judgeToken(check, authorizations)
    },
    missing: async () => {
      try {
        await first?.ready()
        return []
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error
        log.warn({ issuer, code: error.code, detail: error.message }, 'the issuer is missing')
        return [error.code]
      }
    },
    verifier: first,
    close: async () => first?.close(),
  }
}

function judgeNothing(authorizations: readonly string[]): Verdict {
  if (authorizations.length < 2) return { kind: 'passed' }
  const detail = 'more than one Authorization header'
  return { kind: 'refused', refusal: refuse('invalid-request', detail) }
}

/** What a route asks of a token; built once, when the gateway starts. */
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
    auth = await authenticateHeader(verifier, authorizations)
    for (const requirement of requirements) requirement(auth)
    return { kind: 'passed', claims: auth.claims }
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error
    const refusal: Refusal = {
      kind: 'refused',
      problem: problemOf(error),
      headers: responseHeadersOf(error),
      reason: error.reason,
    }
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
