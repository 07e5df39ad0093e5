import type { TraceParent } from '@portcullis/runtime'
import { parseTraceparent, parseTracestate } from '@portcullis/runtime'
import type { HeaderField } from './fields.ts'
import { valuesOf } from './fields.ts'
import type { Exchange } from '../exchange/exchange.ts'

export const traceFieldNames: ReadonlySet<string> = new Set(['traceparent', 'tracestate'])

/** What a request says about its trace, where that is sound. */
export interface ReceivedTrace {
  readonly parent: TraceParent
  /** As it came. */
  readonly text: string
  readonly state: string | undefined
}

/**
 * Undefined where the one field is missing, malformed, or there twice: two systems could then take the request for
 * parts of two traces. The other one means nothing without it.
 */
export function receivedTrace(fields: readonly HeaderField[]): ReceivedTrace | undefined {
  const [text, ...others] = valuesOf(fields, 'traceparent')
  const parent = text === undefined || others.length > 0 ? undefined : parseTraceparent(text)
  if (text === undefined || parent === undefined) return undefined
  return { parent, text, state: parseTracestate(valuesOf(fields, 'tracestate')) }
}

/** Name, value, name, value … for the service. */
export function traceFields(traceparent: string, state: string | undefined): string[] {
  return ['traceparent', traceparent, ...(state === undefined ? [] : ['tracestate', state])]
}

/** For what the gateway itself asks identity for the sake of a request: which one that is, and of which trace. */
export function correlationOf({
  requestId,
  trace,
  fields,
}: Pick<Exchange, 'requestId' | 'trace' | 'fields'>): Readonly<Record<string, string>> {
  const received = receivedTrace(fields)
  const traceparent = trace?.within ?? received?.text
  return {
    'x-request-id': requestId,
    ...(traceparent !== undefined && { traceparent }),
    ...(received?.state !== undefined && { tracestate: received.state }),
  }
}
