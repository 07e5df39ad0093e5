import type { Log } from './log.ts'
import type { TraceParent } from './trace-context.ts'

export interface TracingSettings {
  /** Where spans go, by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string
  /** Of the requests whose caller is not believed, so many are recorded: 0 to 1. */
  readonly sampleRatio: number
}

export interface TracingOptions extends TracingSettings {
  readonly service: string
  readonly log: Log
}

export interface Span {
  readonly context: TraceParent
  /** Begins a request to another service within this one. */
  readonly beginCall: () => Span
  readonly end: (facts: SpanFacts) => void
}

/** Attributes are those of the semantic conventions of OpenTelemetry. */
export interface SpanFacts {
  readonly name: string
  readonly attributes: Readonly<Record<string, string | number | undefined>>
  readonly isError: boolean
}
