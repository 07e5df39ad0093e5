import { faultOfReply } from './answers.ts'
import type { Received } from './comparison.ts'
import { differenceOf } from './comparison.ts'
import type { Seen } from './conversation.ts'
import type { Forwarded, Verdict } from './judge.ts'
import type { Message, Stream } from './messages.ts'
import { valuesOf } from './messages.ts'

/** One batch when it is over. */
export interface Lived {
  readonly stream: Stream
  readonly verdicts: readonly Verdict[]
  /** What services got, by tag; what is accounted for is taken out. */
  readonly received: Map<string, Received[]>
  readonly seen: Seen
}

export interface Assessed {
  readonly forwarded: number
  readonly fault: string | undefined
  /** What is wrong with a request that reaches a service when the client has left already. */
  readonly faultOfLate: (tag: string, received: Received) => string | undefined
}

/**
 * Each request reaches one service at most, and only the one that it was judged for, as it was judged; each answer is
 * that of its request, in order; nothing is obeyed behind the answer that ends a connection. Where something in
 * the stream is no request, those before it may be lost, and never anything else.
 */
export function assess(lived: Lived): Assessed {
  const { stream, seen, received } = lived
  const { messages, rest } = stream
  let forwarded = 0
  let isOver = false
  const resetAt = placeOfReset(lived)
  const mayBeLate = new Map<string, { readonly message: Message; readonly verdict: Forwarded }>()
  const faults: (string | undefined)[] = [faultOfConnection(lived)]
  for (const [place, message] of messages.entries()) {
    const [tag = ''] = valuesOf(message.fields, 'x-tag')
    const got = received.get(tag)?.shift()
    const answer = seen.answers[place]
    const verdict = lived.verdicts[place]
    if (verdict === undefined) throw new TypeError('a request was not judged')
    if (got !== undefined) forwarded += 1
    const mayBeLost = isOver || rest !== 'nothing' || resetAt !== -1
    const fault =
      isOver && (got ?? answer) !== undefined
        ? `${got === undefined ? `answered ${answer?.status}` : 'forwarded'} behind the end of its connection`
        : faultOf({ message, tag, verdict, got, answer, mayBeLost })
    faults.push(fault && `${message.method} ${message.target} (${tag}): ${fault}`)
    if (got === undefined && mayBeLost && !isOver && verdict.kind === 'forwarded') {
      mayBeLate.set(tag, { message, verdict })
    }
    if (answer?.closes === true || message.isLast || place === resetAt) isOver = true
  }
  for (const [tag, left] of received) {
    for (const { service, message } of left) {
      faults.push(
        `${service} got what was not to be forwarded (${tag}): ${message.method} ${message.target}`,
      )
    }
  }
  return {
    forwarded,
    fault: faults.find((fault) => fault !== undefined),
    faultOfLate: (tag, late) => {
      const known = mayBeLate.get(tag)
      mayBeLate.delete(tag)
      const { service, message } = late
      return known === undefined
        ? `${service} got, after all was over (${tag}): ${message.method} ${message.target}`
        : differenceOf(known.message, known.verdict, late)
    },
  }
}

/**
 * A connection that is closed with octets unread is reset, which can take answers back that were sent (RFC 9112 section
 * 9.6): here by a refusal that ends the connection, while the client talks on. -1 where that was not so.
 */
function placeOfReset({ stream: { messages }, verdicts, seen }: Lived): number {
  if (!seen.isClosed) return -1
  return messages.findIndex(
    (_message, place) =>
      verdicts[place]?.kind === 'refused' &&
      seen.answers[place] === undefined &&
      place < messages.length - 1,
  )
}

function faultOfConnection({ stream: { messages, rest }, seen }: Lived): string | undefined {
  if (seen.isOverdue) return `no answer: ${seen.answers.length} of ${messages.length}`
  if (seen.isBroken) return `an answer that is no HTTP: ${JSON.stringify(seen.rest.slice(0, 200))}`
  if (seen.answers.length > messages.length + (rest === 'nothing' ? 0 : 1))
    return 'too many answers'
  const more = seen.answers[messages.length]
  if (more !== undefined && more.status < 400) {
    return `what is no request was answered ${more.status}`
  }
  return rest === 'nothing' && seen.rest !== ''
    ? `half an answer: ${JSON.stringify(seen.rest)}`
    : undefined
}

interface Exchanged {
  readonly message: Message
  readonly tag: string
  readonly verdict: Verdict
  readonly got: Received | undefined
  readonly answer: Seen['answers'][number] | undefined
  readonly mayBeLost: boolean
}

function faultOf({ message, tag, verdict, got, answer, mayBeLost }: Exchanged): string | undefined {
  if (answer === undefined && !mayBeLost) return 'no answer'
  if (verdict.kind === 'refused') {
    if (got !== undefined) return `forwarded, and to be refused for ${verdict.why}`
    if (answer === undefined || verdict.statuses.includes(answer.status)) return undefined
    return `answered ${answer.status} and not ${verdict.statuses.join(' or ')} for ${verdict.why}`
  }
  const difference = got && differenceOf(message, verdict, got)
  if (difference !== undefined) return difference
  if (answer === undefined) return undefined
  // Of the connection, which cannot be read any further: the request was not obeyed, and its client is told so.
  if (got === undefined && mayBeLost && answer.status === 400 && answer.closes) return undefined
  if (got === undefined) return `answered ${answer.status} and not forwarded: ${answer.body}`
  const [requestId = ''] = valuesOf(got.message.fields, 'x-request-id')
  const fault = faultOfReply(tag, message, answer, requestId)
  if (fault !== undefined) return `its answer is ${fault}`
  // HTTP/1.0 knows no chunks: where the length is not told, the end of the connection is the end of the body. And who
  // expects 100-continue may go on in two ways.
  const isOpen = message.version === '1.0' || valuesOf(message.fields, 'expect').length > 0
  const mayEnd = mayBeLost || isOpen
  return answer.closes === message.isLast || mayEnd
    ? undefined
    : `its answer ${answer.closes ? 'ends' : 'keeps'} the connection`
}
