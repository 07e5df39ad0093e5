import { randomBytes } from 'node:crypto'
import type { Span, TracingOptions } from './span.ts'
import type { TraceParent } from './trace-context.ts'

/** Where the spans of a process go. */
export interface Tracing {
  /**
   * Begins to serve a request. Whether it is recorded the `parent` decides where it is trusted, and chance otherwise: never
   * the trace id, which whoever asks can choose.
   */
  readonly begin: (parent: TraceParent | undefined, isTrusted: boolean) => Span
  /** Sends what is there, for two seconds at most. */
  readonly close: () => Promise<void>
}

/** Loads the libraries of OpenTelemetry, so only where spans are wanted. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { openSpans } = await import('./otlp-spans.ts')
  const { record, close } = openSpans(options)
  return {
    begin: (parent, isTrusted) => {
      const isWanted =
        parent !== undefined && isTrusted ? parent.isSampled : Math.random() < options.sampleRatio
      return isWanted ? record(parent) : unrecorded(parent)
    },
    close,
  }
}

/** Only handed on. */
function unrecorded(parent: TraceParent | undefined): Span {
  const traceId = parent?.traceId ?? randomBytes(16).toString('hex')
  const context = { traceId, spanId: randomBytes(8).toString('hex'), isSampled: false }
  return { context, beginCall: () => unrecorded(context), end: () => undefined }
}
