import { clockDifferenceMsMax } from '../issuer/answer-age.ts'
import type { Moment } from './freshness.ts'
import { isYoung } from './freshness.ts'
import type { NewsOptions } from './news.ts'
import { joinTold } from './news.ts'
import type { RevocationCheck } from './revocation.ts'
import { createRevocationTable } from './table.ts'

/** For plain JWT issuers: a token is good until its `exp`, or until an event takes it back. */
export function untilExpiry(options: NewsOptions): RevocationCheck {
  const { issuer, now } = options
  const table = createRevocationTable(issuer)
  const moment = (): Moment => {
    const wallMs = now()
    return { wallMs, nowMs: wallMs }
  }
  return {
    rule: {
      moment,
      version: table.changes,
      isWithdrawn: () => false,
      isComplete: () => true,
      isRevoked: table.revokes,
      isStale: () => false,
      isOlderThan: (maxAgeMs, mintedAtMs, at) => !isYoung(mintedAtMs, at, maxAgeMs),
    },
    noteKeySet: () => undefined,
    join: (event) => {
      table.sweep(now() - clockDifferenceMsMax)
      joinTold(options, table, event)
    },
    start: () => undefined,
    attempted: undefined,
    readinessError: () => undefined,
    clockError: () => undefined,
    closedError: () => undefined,
    refused: () => undefined,
    health: () => ({ followed: false }),
    close: async () => undefined,
  }
}
