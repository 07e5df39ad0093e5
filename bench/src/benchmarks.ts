import type { Plan } from './rounds.ts'
import type { Findings } from './findings.ts'

export interface Benchmark {
  readonly id: string
  readonly title: string
  /** Imported only when it runs: the peers of one benchmark are no weight on another. */
  readonly load: () => Promise<{ readonly measure: (plan: Plan) => Promise<Findings> }>
}

export const benchmarks: readonly Benchmark[] = [
  {
    id: 'B1',
    title: 'verify a token that was never seen',
    load: () => import('./b1-new-token.ts'),
  },
  {
    id: 'B2',
    title: 'verify a token that was seen before',
    load: () => import('./b2-token-seen-before.ts'),
  },
  {
    id: 'B3',
    title: 'look a token up among the revocations',
    load: () => import('./b3-revocation-check.ts'),
  },
]
