import type { Sample } from './findings.ts'
import type { Limit, LimitQuestion } from './limit-process.ts'
import { otherCore } from './pinning.ts'
import type { Running } from './running.ts'
import { startWorker } from './worker.ts'

/** The limit as a contestant, in a process of its own on the core of the servers. */
export async function startLimit(name: string, limit: Limit): Promise<Running> {
  const worker = startWorker<LimitQuestion, Sample>({
    file: 'limit-process.ts',
    parameters: [],
    core: otherCore,
  })
  await worker.ask({ kind: 'limit', limit })
  return {
    contestant: { name, sample: (ms) => worker.ask({ kind: 'sample', ms }) },
    end: worker.end,
  }
}
