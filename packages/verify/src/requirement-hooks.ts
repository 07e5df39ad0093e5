import type { Auth } from './authorization-header.ts'
import type { FreshOptions, RecentAuthOptions, Requirement } from './requirements.ts'
import { meet, requireFresh, requireRecentAuth, requireRole, requireScope } from './requirements.ts'
import type { ChallengeFacts } from './verify-error.ts'

/** The requirements in the idiom of one framework, for what stands behind its `authenticate`. */
export interface RequirementHooks<Hook> {
  /** Every one of these scopes. */
  readonly requireScope: (...scopes: readonly string[]) => Hook
  /** Any one of these roles. */
  readonly requireRole: (...roles: readonly string[]) => Hook
  /** A person who signed in recently. */
  readonly requireRecentAuth: (options: RecentAuthOptions) => Hook
  /** A token that the issuer has vouched for more recently than the verifier asks for. */
  readonly requireFresh: (options: FreshOptions) => Hook
}

export function requirementHooks<Hook>(
  requiring: (requirement: Requirement) => Hook,
): RequirementHooks<Hook> {
  return {
    requireScope: (...scopes) => requiring(requireScope(...scopes)),
    requireRole: (...roles) => requiring(requireRole(...roles)),
    requireRecentAuth: (options) => requiring(requireRecentAuth(options)),
    requireFresh: (options) => requiring(requireFresh(options)),
  }
}

const factsOfGuard = Symbol('challenge facts')

interface GuardedRequest {
  [factsOfGuard]?: ChallengeFacts
}

/** Kept on the framework's own request: the same `Auth` serves many requests, behind many guards. */
export function keepChallengeFacts(request: object, facts: ChallengeFacts): void {
  const guarded: GuardedRequest = request
  guarded[factsOfGuard] = facts
}

/** For a hook: the requirement, told as the guard tells that let this request in. */
export function meetBehindGuard(
  request: object,
  auth: Auth | undefined,
  requirement: Requirement,
): void {
  if (auth === undefined) {
    throw new TypeError(
      'nothing has authenticated this request: put authenticate(verifier) before it',
    )
  }
  const guarded: GuardedRequest = request
  meet(requirement, auth, guarded[factsOfGuard] ?? {})
}
