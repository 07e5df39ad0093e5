import type { Log } from '@portcullis/runtime'
import type { Verifier } from '@portcullis/verify'
import type { Judge } from '../admission/judge.ts'
import { createJudge } from '../admission/judge.ts'
import type { RateLimits } from '../admission/rate-limits.ts'
import type { ReadOrigin } from '../request/origin.ts'
import { ownPath } from '../routing/match.ts'
import type { GatewaySettings } from '../settings/settings.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import type { OwnRoutes } from './own-routes.ts'
import { createOwnRoutes, sessionAuthsOf } from './own-routes.ts'
import type { OpenVisit } from './visit.ts'
import { createVisits } from './visit.ts'

/** What one state of the file says about browsers. */
export interface BrowserMode extends OwnRoutes {
  readonly visit: OpenVisit
}

export interface BrowserModeParts {
  readonly sessions: BrowserSessions
  readonly judge: Judge
  readonly verifier: Verifier | undefined
  readonly originOf: ReadOrigin
  readonly rateLimits: RateLimits
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export function createBrowserMode(
  { issuer, routes }: Pick<GatewaySettings, 'issuer' | 'routes'>,
  { verifier, ...parts }: BrowserModeParts,
): BrowserMode {
  const judged = routes.flatMap(({ auth }) => (auth.mode === 'none' ? [] : [auth.audience]))
  const auths = sessionAuthsOf([...new Set(judged)])
  const judgeOfSessions = createJudge(
    auths.map((auth) => ({ auth })),
    verifier,
    parts.now,
  )
  return {
    visit: createVisits({ ...parts, routes }),
    ...createOwnRoutes(ownPath, { ...parts, issuer, auths, judge: judgeOfSessions }),
  }
}
