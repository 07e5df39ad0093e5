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
  {
    id: 'B4',
    title: 'from revoke to reject, at every follower',
    load: () => import('./b4-revoke-to-reject.ts'),
  },
  {
    id: 'B5',
    title: 'refresh over HTTP, each a durable rotation',
    load: () => import('./b5-refresh.ts'),
  },
  {
    id: 'B6',
    title: 'login, at capacity and flooded',
    load: () => import('./b6-login.ts'),
  },
  {
    id: 'B7',
    title: 'tokens for machines, by client credentials',
    load: () => import('./b7-client-credentials.ts'),
  },
  {
    id: 'B8',
    title: 'a request through the gateway',
    load: () => import('./b8-gateway.ts'),
  },
  {
    id: 'B9',
    title: 'start, and what it takes of memory',
    load: () => import('./b9-start.ts'),
  },
  {
    id: 'B10',
    title:
      'growth: refresh with ten and a hundred times the sessions, the feed with a thousand times the revocations',
    load: () => import('./b10-growth.ts'),
  },
  {
    id: 'B11',
    title: 'the feed beside a thousand webhooks, of which some hang and some fail',
    load: () => import('./b11-feed-beside-webhooks.ts'),
  },
]
