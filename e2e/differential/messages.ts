/*
 * What octets say by RFC 9110 and RFC 9112, read by the letter and by code that the gateway knows nothing of. One
 * character is one octet.
 */
export interface Field {
  /** Lower case. */
  readonly name: string
  readonly spelling: string
  readonly value: string
}

export interface Message {
  readonly method: string
  readonly target: string
  readonly version: '1.0' | '1.1'
  readonly fields: readonly Field[]
  readonly framing: 'none' | 'length' | 'chunked'
  readonly body: string
  /** The last one of its connection (RFC 9112 section 9.3). */
  readonly isLast: boolean
}

export interface Stream {
  readonly messages: readonly Message[]
  /** What comes behind them: nothing, a beginning, what no message begins with, or what no one may obey any more. */
  readonly rest: 'nothing' | 'a beginning' | 'no message' | 'after the last'
  /** Where the last message ends. */
  readonly until: number
}

export interface Bounds {
  readonly headerOctets: number
  readonly fields: number
  /** Those that a server reads at all: with any other it cannot know what comes next. Default all. */
  readonly methods?: ReadonlySet<string>
}

/** The requests in a stream, up to the first thing that is none. */
export function readRequests(octets: string, bounds: Bounds): Stream {
  const messages: Message[] = []
  let at = 0
  for (;;) {
    // Section 2.2: empty lines before a request line are nothing, however they end.
    while (octets[at] === '\r' || octets[at] === '\n') at += 1
    if (at === octets.length) return { messages, rest: 'nothing', until: at }
    if (messages.at(-1)?.isLast === true) return { messages, rest: 'after the last', until: at }
    const read = readRequest(octets, at, bounds)
    if (typeof read === 'string') return { messages, rest: read, until: at }
    messages.push(read.message)
    at = read.until
  }
}

type Unread = 'a beginning' | 'no message'

const requestLine = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+) ([\x21-\x7e]+) HTTP\/(1\.[01])$/

function readRequest(
  octets: string,
  from: number,
  bounds: Bounds,
): { readonly message: Message; readonly until: number } | Unread {
  const head = readHead(octets, from, bounds)
  if (typeof head === 'string') return head
  const [, method, target, version] = requestLine.exec(head.start) ?? []
  if (method === undefined || target === undefined) return 'no message'
  // RFC 9112 section 3.2: what any method but CONNECT may ask for.
  if (!/^(?:\/|\*|[a-z]+:\/\/)/i.test(target)) return 'no message'
  if (bounds.methods?.has(method) === false) return 'no message'
  const { fields } = head
  const isOld = version === '1.0'
  const framed = framingOf(fields)
  if (framed === undefined || (isOld && framed === 'chunked')) return 'no message'
  const read = readBody(octets, head.until, framed, bounds)
  if (typeof read === 'string') return read
  // Section 9.3, and as old clients say it, which Node's parser obeys too.
  const options = new Set([...listOf(fields, 'connection'), ...listOf(fields, 'proxy-connection')])
  const isLast = options.has('close') || (isOld && !options.has('keep-alive'))
  return {
    message: {
      method,
      target,
      version: isOld ? '1.0' : '1.1',
      fields,
      framing: typeof framed === 'number' ? 'length' : framed,
      body: read.body,
      isLast,
    },
    until: read.until,
  }
}

interface Head {
  /** Its first line. */
  readonly start: string
  readonly fields: readonly Field[]
  readonly until: number
}

export function readHead(octets: string, from: number, bounds: Bounds): Head | Unread {
  const end = octets.indexOf('\r\n\r\n', from)
  const text = octets.slice(from, end === -1 ? octets.length : end)
  if (hasBareEnd(end === -1 ? text.replace(/\r$/, '') : text)) return 'no message'
  if (text.length > bounds.headerOctets) return 'no message'
  if (end === -1) return 'a beginning'
  const [start = '', ...lines] = text.split('\r\n')
  const fields = readFields(lines)
  if (fields === undefined || fields.length > bounds.fields) return 'no message'
  return { start, fields, until: end + 4 }
}

function hasBareEnd(text: string): boolean {
  return /\r(?!\n)|(?<!\r)\n|\0/.test(text)
}

const fieldLine =
  /^([!#$%&'*+\-.^_`|~\dA-Za-z]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/

function readFields(lines: readonly string[]): Field[] | undefined {
  const fields: Field[] = []
  for (const line of lines) {
    const [, spelling, value] = fieldLine.exec(line) ?? []
    if (spelling === undefined || value === undefined) return undefined
    fields.push({ spelling, name: spelling.toLowerCase(), value })
  }
  return fields
}

export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter((field) => field.name === name).map(({ value }) => value)
}

/** The members of a comma-separated list, in lower case (RFC 9110 section 5.6.1). */
export function listOf(fields: readonly Field[], name: string): string[] {
  return valuesOf(fields, name).flatMap((value) =>
    value.split(',').map((member) => member.trim().toLowerCase()),
  )
}

/** RFC 9112 section 6.3; undefined where two servers could find different ends. */
function framingOf(fields: readonly Field[]): 'none' | 'chunked' | number | undefined {
  const codings = valuesOf(fields, 'transfer-encoding')
  const lengths = valuesOf(fields, 'content-length')
  if (codings.length > 0) {
    const isChunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked'
    return isChunked && lengths.length === 0 ? 'chunked' : undefined
  }
  const [length] = lengths
  if (length === undefined) return 'none'
  if (lengths.length > 1 || !/^\d{1,15}$/.test(length)) return undefined
  return Number(length)
}

interface Body {
  readonly body: string
  readonly until: number
}

export function readBody(
  octets: string,
  from: number,
  framed: 'none' | 'chunked' | number,
  bounds: Bounds,
): Body | Unread {
  if (framed === 'none') return { body: '', until: from }
  if (framed === 'chunked') return readChunks(octets, from, bounds)
  const until = from + framed
  return until > octets.length ? 'a beginning' : { body: octets.slice(from, until), until }
}

const chunkLine =
  /^([\da-fA-F]{1,8})(?:;[!#$%&'*+\-.^_`|~\dA-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~\dA-Za-z]+|"[\w ]*"))?)*$/

/** Section 7.1. */
function readChunks(octets: string, from: number, bounds: Bounds): Body | Unread {
  let at = from
  let body = ''
  for (;;) {
    const end = octets.indexOf('\r\n', at)
    const line = octets.slice(at, end === -1 ? octets.length : end)
    if (end === -1)
      return /^[\da-fA-F]*(?:;[\x20-\x7e]*)?\r?$/.test(line) ? 'a beginning' : 'no message'
    const [, digits] = chunkLine.exec(line) ?? []
    if (digits === undefined) return 'no message'
    const size = Number.parseInt(digits, 16)
    at = end + 2
    if (size === 0) return endOfChunks(octets, at, body, bounds)
    body += octets.slice(at, at + size)
    at += size
    if (at + 2 > octets.length)
      return '\r\n'.startsWith(octets.slice(at)) ? 'a beginning' : 'no message'
    if (!octets.startsWith('\r\n', at)) return 'no message'
    at += 2
  }
}

function endOfChunks(octets: string, at: number, body: string, bounds: Bounds): Body | Unread {
  if (octets.startsWith('\r\n', at)) return { body, until: at + 2 }
  const end = octets.indexOf('\r\n\r\n', at)
  if (end === -1) return 'a beginning'
  const trailers = octets.slice(at, end)
  if (hasBareEnd(trailers) || trailers.length > bounds.headerOctets) return 'no message'
  return readFields(trailers.split('\r\n')) === undefined ? 'no message' : { body, until: end + 4 }
}
