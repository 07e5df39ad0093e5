import type { Exposition, Operations } from '@portcullis/runtime'
import { createMetrics, createMetricsOfWorkers, startOperations } from '@portcullis/runtime'
import type { GatewaySettings } from '../settings/settings.ts'
import type { Crew } from './crew.ts'

/** What is told of all workers together, on the operations listener. */
export interface WorkerOperations {
  /** A worker has ended although nobody had said so. */
  readonly leave: (number: number) => void
  /** Undefined where the settings ask for no listener. */
  readonly start: (
    settings: GatewaySettings,
    parts: WorkerOperationsParts,
  ) => Promise<Operations | undefined>
}

export interface WorkerOperationsParts {
  readonly crew: Crew
  readonly workers: number
  /** Of the primary itself. */
  readonly warnings: () => readonly string[]
  readonly isStopping: () => boolean
}

/**
 * Ready is the gateway while every worker that serves is, and there is one: the others are made again, which is a
 * warning. Where several say the same, it is told once.
 */
export function createWorkerOperations(): WorkerOperations {
  const ofWorkers = createMetricsOfWorkers()
  const metrics = createMetrics({ ofProcess: false })
  const countEnd = metrics.counter({
    name: 'portcullis_gateway_worker_ends_total',
    help: 'Workers that have ended although nobody had said so.',
    labels: [],
  })
  return {
    leave: (number) => {
      ofWorkers.leave(number)
      countEnd({})
    },
    start: async ({ operations }, { crew, workers, warnings: own, isStopping }) => {
      if (operations === undefined) return undefined
      let warnings: readonly string[] = []
      const notReady = async (): Promise<readonly string[]> => {
        const health = await crew.health()
        const serving = crew.serving()
        const fewer = serving < workers ? [`workers: ${serving} of ${workers}`] : []
        warnings = distinct([...own(), ...fewer, ...health.flatMap((one) => one.warnings)])
        if (isStopping()) return ['stopping']
        return serving === 0 ? ['workers'] : distinct(health.flatMap((one) => one.missing))
      }
      metrics.gauge(
        { name: 'portcullis_gateway_workers', help: 'Workers that serve.', labels: [] },
        crew.serving,
      )
      metrics.gauge(
        {
          name: 'portcullis_gateway_warnings',
          help: 'How many warnings /health/ready has, such as a settings file that is not taken.',
          labels: [],
        },
        () => warnings.length,
      )
      const exposition = async (): Promise<Exposition> => {
        const [counted] = await Promise.all([crew.metrics(), notReady()])
        for (const { number, snapshot } of counted) ofWorkers.take(number, snapshot)
        return ofWorkers.exposition(await metrics.snapshot())
      }
      const shown = { notReady, warnings: () => warnings, metrics: { exposition } }
      return startOperations({ ...operations, ...shown })
    },
  }
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}
