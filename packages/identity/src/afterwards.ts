import type { Log } from '@portcullis/runtime'

export interface Afterwards {
  /** Starts a job that no answer waits for. When it fails, that is logged. */
  readonly run: (job: () => Promise<void>) => void
  /** When all that was started is over. */
  readonly settled: () => Promise<void>
}

export function createAfterwards(log: Pick<Log, 'error'>): Afterwards {
  const underWay = new Set<Promise<void>>()
  return {
    run: (job) => {
      const over = job()
        .catch((error: unknown) => log.error({ err: error }, 'work after an answer failed'))
        .finally(() => underWay.delete(over))
      underWay.add(over)
    },
    settled: async () => {
      await Promise.all(underWay)
    },
  }
}
