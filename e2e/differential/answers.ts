import { createChance, seedOf } from '../simulation/chance.ts'
import type { Field, Message } from './messages.ts'
import { readBody, readHead, valuesOf } from './messages.ts'

/** What a service answers to the request with a tag: always the same, so that it can be told from every other answer. */
export interface Reply {
  readonly status: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly isChunked: boolean
}

const statuses = [200, 200, 200, 200, 201, 204, 302, 304, 404, 500]
const bodiless: ReadonlySet<number> = new Set([204, 304])

export function replyTo(tag: string): Reply {
  const [batch = 0, place = 0] = tag.split('-').map((part) => Number.parseInt(part, 36))
  const chance = createChance(seedOf(0x5eed, batch, place))
  const status = chance.oneOf(statuses)
  const body = bodiless.has(status)
    ? ''
    : `${tag}.`.repeat(chance.between(0, chance.oneOf([4, 4, 300])))
  const fields: [string, string][] = [['X-Reply', tag]]
  if (chance.happens(0.3))
    fields.push(['Set-Cookie', `a=${tag}`], ['X-Between', ''], ['set-cookie', 'b=\xe9'])
  if (chance.happens(0.2)) fields.push(['Location', `http://127.0.0.1/${tag}`])
  if (chance.happens(0.2)) fields.push(['Connection', 'X-Ended'], ['X-Ended', 'of the service'])
  if (chance.happens(0.1))
    fields.push(['X-User-Id', 'of the service'], ['x_roles', 'of the service'])
  return { status, fields, body, isChunked: body !== '' && chance.happens(0.3) }
}

export function replyOctets({ status, fields, body, isChunked }: Reply, method: string): string {
  const framing = bodiless.has(status)
    ? ''
    : isChunked
      ? 'Transfer-Encoding: chunked\r\n'
      : `Content-Length: ${body.length}\r\n`
  const head = `HTTP/1.1 ${status} X\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`
  if (method === 'HEAD' || body === '') return `${head}${framing}\r\n`
  const cut = Math.ceil(body.length / 2)
  const content = isChunked
    ? [body.slice(0, cut), body.slice(cut)]
        .filter((piece) => piece !== '')
        .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
        .join('') + '0\r\n\r\n'
    : body
  return `${head}${framing}\r\n${content}`
}

export interface Answer {
  readonly status: number
  readonly fields: readonly Field[]
  readonly body: string
  readonly closes: boolean
}

const unbounded = { headerOctets: 1e6, fields: 1000 }

/** The final answers in what a client got, to requests of these methods; `broken` where it is not HTTP. */
export function readAnswers(
  octets: string,
  methods: readonly string[],
  isEnded: boolean,
): { readonly answers: readonly Answer[]; readonly rest: string; readonly isBroken: boolean } {
  const answers: Answer[] = []
  let at = 0
  for (;;) {
    const read =
      at === octets.length
        ? 'a beginning'
        : readAnswer(octets, at, methods[answers.length], isEnded)
    if (typeof read === 'string') {
      return { answers, rest: octets.slice(at), isBroken: read === 'no message' }
    }
    if (read.answer.status >= 200) answers.push(read.answer)
    at = read.until
  }
}

function readAnswer(
  octets: string,
  from: number,
  method: string | undefined,
  isEnded: boolean,
): { readonly answer: Answer; readonly until: number } | 'a beginning' | 'no message' {
  const head = readHead(octets, from, unbounded)
  if (typeof head === 'string') return head
  const [, digits] = /^HTTP\/1\.1 (\d{3}) [^\r\n]*$/.exec(head.start) ?? []
  if (digits === undefined) return 'no message'
  const status = Number(digits)
  const { fields } = head
  const hasNoBody = status < 200 || bodiless.has(status) || method === 'HEAD'
  const codings = valuesOf(fields, 'transfer-encoding')
  const [length, ...others] = valuesOf(fields, 'content-length')
  if (others.length > 0 || (codings.length > 0 && length !== undefined)) return 'no message'
  const isUntilTheEnd = codings.length === 0 && length === undefined
  if (isUntilTheEnd && !hasNoBody && !isEnded) return 'a beginning'
  const untilTheEnd = octets.length - head.until
  const framed = codings.length > 0 ? 'chunked' : Number(length ?? untilTheEnd)
  const read = readBody(octets, head.until, hasNoBody ? 'none' : framed, unbounded)
  if (typeof read === 'string') return read
  const closes = valuesOf(fields, 'connection').some((value) => value.toLowerCase() === 'close')
  return { answer: { status, fields, body: read.body, closes }, until: read.until }
}

/** What is wrong with an answer that a service gave to this request, and the gateway handed on. */
export function faultOfReply(
  tag: string,
  { method }: Message,
  answer: Answer,
  requestId: string,
): string | undefined {
  const reply = replyTo(tag)
  if (answer.status !== reply.status) return `status ${answer.status} and not ${reply.status}`
  const body = method === 'HEAD' ? '' : reply.body
  if (answer.body !== body) return `the body of another answer: ${answer.body.slice(0, 40)}`
  const expected = reply.fields
    .filter(([name]) => !/^(?:connection|x-ended|x.user.id|x.roles)$/i.test(name))
    .map(([name, value]) => `${name}: ${value}`)
  const got = answer.fields
    .filter(({ name }) => !ofTheGateway.has(name))
    .map(({ spelling, value }) => `${spelling}: ${value}`)
  if (got.join('\n') !== expected.join('\n'))
    return `fields ${JSON.stringify(got)} and not ${JSON.stringify(expected)}`
  const ids = valuesOf(answer.fields, 'x-request-id')
  return ids.join() === requestId ? undefined : `the request id ${ids.join()} and not ${requestId}`
}

const ofTheGateway: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'x-request-id',
])
