/** Where a request stands in the trace of whoever sent it (https://www.w3.org/TR/trace-context/). */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits: who has sent it. */
  readonly spanId: string
  /** The sender has recorded it, and asks others to do so. */
  readonly isSampled: boolean
}

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const sampledFlag = 1
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

/** Section 3.2. Of a later version what this one knows is read, as section 4.3 has it. */
export function parseTraceparent(text: string): TraceParent | undefined {
  const [, version = '', traceId = '', spanId = '', flags = '', more] = shape.exec(text) ?? []
  if (version === '' || version === 'ff' || (version === '00' && more !== undefined)) {
    return undefined
  }
  if (traceId === noTrace || spanId === noSpan) return undefined
  const isSampled = (Number.parseInt(flags, 16) & sampledFlag) !== 0
  return { traceId, spanId, isSampled }
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

/** Section 3.3.1.5: so many must be handed on at least, and what is more may be dropped. */
const stateCharactersMax = 512
const stateMembersMax = 32
const stateKey =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
const stateValue = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * What several systems say about their parts of one trace: all fields as one, or undefined where a part of it is
 * malformed or it is too much (section 3.3). It means nothing without a `traceparent`.
 */
export function parseTracestate(values: readonly string[]): string | undefined {
  const members = values
    .flatMap((value) => value.split(','))
    .map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  const state = members.join(',')
  if (state === '' || state.length > stateCharactersMax || members.length > stateMembersMax) {
    return undefined
  }
  const keys = new Set<string>()
  for (const member of members) {
    const equals = member.indexOf('=')
    const key = member.slice(0, Math.max(0, equals))
    if (!stateKey.test(key) || !stateValue.test(member.slice(equals + 1))) return undefined
    keys.add(key)
  }
  return keys.size === members.length ? state : undefined
}
