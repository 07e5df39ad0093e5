import type { Forwarded } from './judge.ts'
import type { Message } from './messages.ts'
import { valuesOf } from './messages.ts'
import type { ServiceName } from './world.ts'
import { identityHeaders } from './world.ts'

/** What a service got. */
export interface Received {
  readonly service: ServiceName
  readonly message: Message
}

const managed: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
  'traceparent',
  'tracestate',
  ...Object.values(identityHeaders).map((name) => name.toLowerCase()),
])

/** Where what a service got differs from what was judged. */
export function differenceOf(
  judged: Message,
  verdict: Forwarded,
  { service, message }: Received,
): string | undefined {
  if (service !== verdict.service) return `reached ${service} and not ${verdict.service}`
  if (message.method !== judged.method)
    return `the method ${message.method} and not ${judged.method}`
  if (message.target !== verdict.target)
    return `the target ${message.target} and not ${verdict.target}`
  if (message.body !== judged.body)
    return `another body: ${JSON.stringify(message.body.slice(0, 100))}`
  return differenceOfFraming(judged, message) ?? differenceOfFields(verdict, judged, message)
}

function differenceOfFraming(judged: Message, message: Message): string | undefined {
  if (judged.body === '' && message.framing !== 'chunked') return undefined
  return message.framing === judged.framing
    ? undefined
    : `${message.framing} and not ${judged.framing}`
}

function differenceOfFields(
  verdict: Forwarded,
  { version }: Message,
  { fields }: Message,
): string | undefined {
  const lines = fields
    .filter(({ name }) => !managed.has(name))
    .map(({ spelling, value }) => `${spelling}: ${value}`)
  const expected = verdict.kept.map(({ spelling, value }) => `${spelling}: ${value}`)
  expected.push(`Via: ${version} portcullis`)
  if (lines.join('\n') !== expected.join('\n')) {
    return `the fields ${JSON.stringify(lines)} and not ${JSON.stringify(expected)}`
  }
  for (const name of managed) {
    const values = valuesOf(fields, name)
    const difference = differenceOfManaged(name, values, verdict)
    if (difference !== undefined)
      return `${name} is ${JSON.stringify(values)} and not ${difference}`
  }
  return undefined
}

/** What it should have been. */
function differenceOfManaged(
  name: string,
  values: readonly string[],
  { own, requestId }: Forwarded,
): string | undefined {
  // Of this hop: its framing was compared already.
  if (name === 'connection' || name === 'content-length' || name === 'transfer-encoding')
    return undefined
  if (name === 'x-request-id' && requestId === undefined) {
    return values.length === 1 && /^[\da-f]{8}-[\da-f-]{27}$/.test(values[0] ?? '')
      ? undefined
      : 'a new one'
  }
  const value = name === 'x-request-id' ? requestId : own.get(name)
  const expected = value === undefined ? [] : [value]
  return values.join('\n') === expected.join('\n') && values.length === expected.length
    ? undefined
    : JSON.stringify(expected)
}
