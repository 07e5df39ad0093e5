import { AggregatorRegistry } from 'prom-client'
import type { Exposition, MetricsSnapshot } from './metrics.ts'

/** What several processes count, as if it were one. */
export interface MetricsOfWorkers {
  /** The latest of a worker that runs. */
  readonly take: (worker: number, snapshot: MetricsSnapshot) => void
  /** The worker has ended. What it had counted, as far as it was told, stays counted: a counter must not fall. */
  readonly leave: (worker: number) => void
  /** `own`: of the process that adds up. */
  readonly exposition: (own: MetricsSnapshot) => Promise<Exposition>
}

/** Not by `clusterMetrics` of prom-client, which tells nothing while one of the workers does not answer. */
export function createMetricsOfWorkers(): MetricsOfWorkers {
  const latest = new Map<number, MetricsSnapshot>()
  let left: MetricsSnapshot = []
  return {
    take: (worker, snapshot) => {
      // Where two have one name, the process that adds up is the one to tell it.
      const toldByIt = snapshot.filter(({ aggregator }) => aggregator !== 'omit')
      latest.set(worker, toldByIt)
    },
    leave: (worker) => {
      const counted = (latest.get(worker) ?? []).filter(({ type }) => isCounted(type))
      latest.delete(worker)
      left = added([left, counted])
    },
    exposition: async (own) => {
      const registry = AggregatorRegistry.aggregate([...latest.values(), left, own])
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

/** By the strings that prom-client has for them in JSON, whatever its types say. */
function isCounted(type: unknown): boolean {
  return type === 'counter' || type === 'histogram'
}

function added(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  return AggregatorRegistry.aggregate([...snapshots])
    .getMetricsAsArray()
    .filter(hasValues)
}

function hasValues(metric: object): metric is MetricsSnapshot[number] {
  return 'values' in metric
}
