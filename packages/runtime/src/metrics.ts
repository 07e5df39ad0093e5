import { METHODS } from 'node:http'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What a process tells Prometheus of itself. Names and labels are listed in docs/metrics.md. */
export interface Metrics {
  /** Answers how to count one more, or several. */
  readonly counter: <Label extends string>(
    description: Described<Label>,
  ) => (labels: Readonly<Record<Label, string>>, by?: number) => void
  /** `read` is asked at each scrape; undefined is not told. */
  readonly gauge: (description: DescribedGauge, read: () => number | undefined) => void
  /** The same with labels: what is not told at a scrape has no series. */
  readonly gauges: <Label extends string>(
    description: Described<Label>,
    read: () => readonly GaugeReading<Label>[],
  ) => void
  /** How long requests take, and how they are answered. */
  readonly requests: () => RequestMetrics
  /** In the text format of Prometheus. */
  readonly exposition: () => Promise<Exposition>
  /** For another process, which adds several up. */
  readonly snapshot: () => Promise<MetricsSnapshot>
}

export interface DescribedGauge extends Described<never> {
  /** What the workers of one gateway have together: their sum, by default; or it is not theirs to tell (`omit`). */
  readonly together?: 'sum' | 'min' | 'max' | 'omit'
}

export interface GaugeReading<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>
  readonly value: number
}

export interface Described<Label extends string> {
  readonly name: `portcullis_${string}`
  readonly help: string
  readonly labels: readonly Label[]
}

export interface AnsweredRequest {
  readonly method: string
  /** Its pattern, never a path of a client's; undefined where nothing was found. */
  readonly route: string | undefined
  readonly status: number
  readonly seconds: number
  /** Why it was refused: a code of ours. */
  readonly reason?: string | undefined
}

export interface RequestMetrics {
  readonly observe: (answered: AnsweredRequest) => void
}

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** What one process tells of itself at one moment, to be sent to another. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[]

/** From what is answered from memory to what a client waits for in vain. */
const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A registry of its own, which a test may have several of, by default with what Node tells of a process. */
export function createMetrics({ ofProcess = true }: { ofProcess?: boolean } = {}): Metrics {
  const registry = new Registry()
  if (ofProcess) collectDefaultMetrics({ register: registry })
  return {
    counter: ({ name, help, labels }) => {
      const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] })
      return (values, by = 1) => counter.inc(values, by)
    },
    gauge: ({ name, help, together = 'sum' }, read) => {
      const gauge = new Gauge({
        name,
        help,
        aggregator: together,
        registers: [registry],
        collect: () => {
          const value = read()
          if (value === undefined) gauge.remove()
          else gauge.set(value)
        },
      })
    },
    gauges: ({ name, help, labels }, read) => {
      const gauge = new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect: () => {
          gauge.reset()
          for (const { labels: values, value } of read()) gauge.set(values, value)
        },
      })
    },
    requests: () => requestMetricsIn(registry),
    exposition: async () => ({
      contentType: registry.contentType,
      text: await registry.metrics(),
    }),
    snapshot: () => registry.getMetricsAsJSON(),
  }
}

function requestMetricsIn(registry: Registry): RequestMetrics {
  const duration = new Histogram({
    name: 'portcullis_http_request_duration_seconds',
    help: 'From the headers of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: secondsBuckets,
    registers: [registry],
  })
  const refusals = new Counter({
    name: 'portcullis_http_refusals_total',
    help: 'Requests that were refused, by the reason that the log names.',
    labelNames: ['route', 'reason'],
    registers: [registry],
  })
  // To find one by its labels takes longer than to count it.
  const known = new Map<string, { readonly observe: (seconds: number) => void }>()
  const childOf = (method: string, route: string, status: number) => {
    const key = `${method} ${status} ${route}`
    let child = known.get(key)
    if (child === undefined)
      known.set(key, (child = duration.labels(method, route, String(status))))
    return child
  }
  return {
    observe: ({ method, route = 'none', status, seconds, reason }) => {
      childOf(methods.has(method) ? method : 'other', route, status).observe(seconds)
      if (reason !== undefined) refusals.inc({ route, reason })
    },
  }
}

/** A client can make up any other, and each would be kept for as long as the process lives. */
const methods: ReadonlySet<string> = new Set(METHODS)
