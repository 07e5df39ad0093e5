import type { RecentAuthOptions, Requirement } from './requirements.ts'
import { requireRecentAuth, requireRole, requireScope } from './requirements.ts'

/** The requirements in the idiom of one framework, for what stands behind its `authenticate`. */
export interface RequirementHooks<Hook> {
  /** Every one of these scopes. */
  readonly requireScope: (...scopes: readonly string[]) => Hook
  /** Any one of these roles. */
  readonly requireRole: (...roles: readonly string[]) => Hook
  /** A person who signed in recently. */
  readonly requireRecentAuth: (options: RecentAuthOptions) => Hook
}

export function requirementHooks<Hook>(
  requiring: (requirement: Requirement) => Hook,
): RequirementHooks<Hook> {
  return {
    requireScope: (...scopes) => requiring(requireScope(...scopes)),
    requireRole: (...roles) => requiring(requireRole(...roles)),
    requireRecentAuth: (options) => requiring(requireRecentAuth(options)),
  }
}
