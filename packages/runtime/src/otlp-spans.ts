import { setTimeout as wait } from 'node:timers/promises'
import type { Context, Span as OwnSpan } from '@opentelemetry/api'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Log } from './log.ts'
import type { Span, TracingOptions } from './span.ts'
import type { TraceParent } from './trace-context.ts'

export interface RecordedSpans {
  /** `parent` undefined: a new trace. */
  readonly record: (parent: TraceParent | undefined) => Span
  readonly close: () => Promise<void>
}

/** Some two megabytes; what is more while the collector does not take it is lost. */
const spansMax = 2048
const exportMsMax = 5000
const everyMs = 2000
const closeMsMax = 2000

/** Not the global provider: nobody else in the process is to write there unasked. */
export function openSpans({ endpoint, service, log }: TracingOptions): RecordedSpans {
  const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: exportMsMax })
  const processor = new BatchSpanProcessor({
    exporter: withWords(exporter, log.child({ endpoint })),
    maxQueueSize: spansMax,
    exportTimeoutMillis: exportMsMax,
    scheduledDelayMillis: everyMs,
  })
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    resource: resourceFromAttributes({ 'service.name': service, 'process.pid': process.pid }),
    spanProcessors: [processor],
  })
  const tracer = provider.getTracer('portcullis')
  const begin = (kind: SpanKind, parent: Context): Span => {
    // Its name is known when it ends.
    const span = tracer.startSpan('request', { kind }, parent)
    const { traceId, spanId } = span.spanContext()
    return {
      context: { traceId, spanId, isSampled: true },
      beginCall: () => begin(SpanKind.CLIENT, trace.setSpan(ROOT_CONTEXT, span)),
      end: ({ name, attributes, isError }) => {
        span.updateName(name)
        setAll(span, attributes)
        if (isError) span.setStatus({ code: SpanStatusCode.ERROR })
        span.end()
      },
    }
  }
  return {
    record: (parent) => begin(SpanKind.SERVER, contextOf(parent)),
    close: () =>
      Promise.race([
        provider.shutdown().catch(() => undefined),
        wait(closeMsMax, undefined, { ref: false }),
      ]),
  }
}

function contextOf(parent: TraceParent | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT
  const { traceId, spanId } = parent
  const traceFlags = TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

function setAll(
  span: OwnSpan,
  attributes: Readonly<Record<string, string | number | undefined>>,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) span.setAttribute(name, value)
  }
}

/** Says once when spans are lost, and once when that is over. */
function withWords(exporter: SpanExporter, log: Log): SpanExporter {
  let isLost = false
  return {
    export: (spans, told) =>
      exporter.export(spans, (result) => {
        const wasLost = isLost
        isLost = result.error !== undefined
        if (isLost && !wasLost) log.warn({ code: codeOf(result.error) }, 'spans are lost')
        if (wasLost && !isLost) log.info('spans are taken again')
        told(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
}

/** The message may quote what a collector has answered. */
function codeOf(error: Error | undefined): string | undefined {
  return error !== undefined && 'code' in error ? String(error.code) : error?.name
}
