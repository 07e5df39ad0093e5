import { randomUUID } from 'node:crypto'
import type { Auth, Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import type { Order } from './order-book.ts'

/** A job that goes on when its request has been answered. */
export interface OrderExport {
  readonly id: string
  /** The `sub` of whoever asked for it. */
  readonly owner: string
  readonly status: 'running' | 'done' | 'cancelled'
  /** Why it was cancelled. */
  readonly reason: string | undefined
  /** A line for each order. */
  readonly lines: readonly string[]
}

export interface OrderExports {
  /** Cancelled as soon as the token of whoever asked for it is not accepted any more. Undefined when there is no room. */
  readonly begin: (auth: Auth, orders: Iterable<Order>) => OrderExport | undefined
  readonly find: (id: string, owner: string) => OrderExport | undefined
}

const exportsMax = 100

export function createOrderExports(
  verifier: Pick<Verifier, 'watch'>,
  /** Between two orders, so that requests are answered meanwhile. */
  pause: () => Promise<void> = () => new Promise((resolve) => void setImmediate(resolve)),
): OrderExports {
  const jobs = new Map<string, OrderExport>()

  async function run(
    job: OrderExport,
    orders: Iterable<Order>,
    signal: AbortSignal,
  ): Promise<void> {
    const lines: string[] = []
    for (const order of orders) {
      await pause()
      signal.throwIfAborted()
      lines.push(JSON.stringify(order))
    }
    jobs.set(job.id, { ...job, status: 'done', lines })
  }

  function forgetOldest(): boolean {
    const ended = [...jobs.values()].find(({ status }) => status !== 'running')
    return ended !== undefined && jobs.delete(ended.id)
  }

  return {
    begin: (auth, orders) => {
      if (jobs.size >= exportsMax && !forgetOldest()) return undefined
      const owner = auth.claims.sub
      const job: OrderExport = {
        id: randomUUID(),
        owner,
        status: 'running',
        reason: undefined,
        lines: [],
      }
      jobs.set(job.id, job)
      const watch = verifier.watch(auth)
      run(job, orders, watch.signal)
        .catch((error: unknown) => {
          const reason = error instanceof VerifyError ? error.message : 'the export has failed'
          // Nothing of it is kept: half of an export looks like a whole one.
          jobs.set(job.id, { ...job, status: 'cancelled', reason })
        })
        .finally(watch.close)
      return job
    },
    find: (id, owner) => {
      const job = jobs.get(id)
      return job?.owner === owner ? job : undefined
    },
  }
}
