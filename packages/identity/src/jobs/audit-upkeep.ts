import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { AuditLog } from '../domain/audit.ts'

/** Each step takes a bounded number away; what is kept for months may be kept for some minutes more. */
const everyMs = 60_000
const dayMs = 24 * 3_600_000

/** Takes away what is older than it must be, until the returned function has been called. */
export function startAuditUpkeep(
  { prune }: Pick<AuditLog, 'prune'>,
  retentionDays: number,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return takeSteadySteps({
    step: async () => {
      const { pruned, broken } = await prune(retentionDays * dayMs)
      if (pruned > 0) log.info({ pruned }, 'old audit records were taken away')
      return broken.length === 0 ? undefined : { broken }
    },
    everyMs,
    trouble: 'audit records do not hold, or cannot be read, and are kept: run audit verify',
    recovery: 'old audit records are taken away again',
    log,
    repeat,
  })
}
