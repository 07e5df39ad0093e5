import type { Chance } from '../simulation/chance.ts'
import {
  brokenSegments,
  hiddenRequest,
  oddAuthorizations,
  oddHosts,
  oddSegments,
  oddTargets,
} from './words.ts'

/** A request before it is octets; `{customer}` in a line stands for that token. */
export interface Sketch {
  before: string
  method: string
  target: string
  /** The last word of the request line. */
  version: string
  readonly lines: string[]
  body: string
  /** Octets that belong to no request. */
  behind: string
}

type Oddity = (sketch: Sketch, chance: Chance) => void

/** What is refused, or must make no difference; the judge says which. */
const oddities: readonly Oddity[] = [
  oddSegment,
  oddSegment,
  oddSegment,
  (sketch, chance) => (sketch.target = chance.oneOf(oddTargets)),
  (sketch, chance) => replaceLine(sketch, 'host', `Host: ${chance.oneOf(oddHosts)}`),
  (sketch, chance) =>
    addLine(sketch, `Host: ${chance.oneOf(['shop.example', 'intern.example'])}`, chance),
  (sketch) => replaceLine(sketch, 'host', undefined),
  (sketch, chance) =>
    replaceLine(sketch, 'authorization', `Authorization: ${chance.oneOf(oddAuthorizations)}`),
  (sketch, chance) =>
    replaceLine(sketch, 'authorization', `Authorization: ${chance.oneOf(oddAuthorizations)}`),
  (sketch) => replaceLine(sketch, 'authorization', undefined),
  (sketch, chance) => addLine(sketch, `authorization: ${chance.oneOf(oddAuthorizations)}`, chance),
  (sketch, chance) =>
    (sketch.method = chance.oneOf(['TRACE', 'get', 'FOO', 'PURGE', 'REPORT', 'PATCH', 'DELETE'])),
  (sketch, chance) =>
    addLine(sketch, chance.oneOf(['Expect: x', 'Expect: 100-continue, x', 'Expect:']), chance),
  (sketch, chance) =>
    addLine(sketch, chance.oneOf(['Upgrade: h2c', 'Upgrade: foo', 'upgrade:']), chance),
  (sketch, chance) => {
    addLine(sketch, 'Content-Type: text/a', chance)
    addLine(sketch, 'content-type: text/b', chance)
  },
  (sketch) => {
    sketch.version = 'HTTP/1.0'
  },
  (sketch, chance) => {
    sketch.version = 'HTTP/1.0'
    addLine(sketch, `Connection: ${chance.oneOf(['keep-alive', 'close, keep-alive'])}`, chance)
  },
  (sketch, chance) =>
    addLine(sketch, chance.oneOf(['Connection: close', 'Connection: X-A, Close']), chance),
  (sketch, chance) =>
    addLine(
      sketch,
      `X-Request-Id: ${chance.oneOf(['abc-1', 'a b', '', '"', 'x'.repeat(129)])}`,
      chance,
    ),
  (sketch) => {
    // More than a route takes.
    if (sketch.lines.some((line) => /^(?:content-length|transfer-encoding):/i.test(line))) return
    sketch.lines.push('Content-Length: 9000')
    sketch.body = 'x'.repeat(9000)
  },
]

export function makeOdd(sketch: Sketch, chance: Chance): void {
  for (let left = chance.happens(0.2) ? 2 : 1; left > 0; left -= 1)
    chance.oneOf(oddities)(sketch, chance)
}

function oddSegment(sketch: Sketch, chance: Chance): void {
  const [path = '', ...query] = sketch.target.split('?')
  const segments = path.split('/')
  const at = chance.between(1, segments.length)
  const odd = chance.oneOf(oddSegments)
  if (chance.happens(0.5)) segments.splice(at, 0, odd)
  else segments[Math.min(at, segments.length - 1)] += odd
  sketch.target = [segments.join('/') || '/', ...query].join('?')
}

function addLine(sketch: Sketch, line: string, chance: Chance): void {
  sketch.lines.splice(chance.between(0, sketch.lines.length), 0, line)
}

function replaceLine(sketch: Sketch, name: string, line: string | undefined): void {
  const at = sketch.lines.findIndex((one) => one.toLowerCase().startsWith(`${name}:`))
  if (at === -1) {
    if (line !== undefined) sketch.lines.push(line)
  } else if (line === undefined) sketch.lines.splice(at, 1)
  else sketch.lines[at] = line
}

/** What no request is by the letter of RFC 9112, or what two servers could frame differently; with a bait behind it. */
export function misframe(sketch: Sketch, chance: Chance): void {
  const line = chance.oneOf(misframingLines)
  if (line.startsWith('!')) chance.oneOf(breakings)(sketch, chance)
  else addLine(sketch, line, chance)
  if (chance.happens(0.7)) sketch.behind = hiddenRequest
}

const misframingLines: readonly string[] = [
  'Content-Length: 4\r\nTransfer-Encoding: chunked',
  'Content-Length: 0\r\nContent-Length: 44',
  'Content-Length: 0\r\ncontent-length: 0',
  'Content-Length: 0, 0',
  'Content-Length: +0',
  'Content-Length: -1',
  'Content-Length: 0x0',
  'Content-Length:',
  'Content-Length: 1 0',
  'Content-Length: 99999999999999999999',
  'Content-Length: 18446744073709551616',
  'Content-Length: 0.0',
  'Content-Length: abc',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: chunked\x0c',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\r\n chunked',
  'X-A: b\nTransfer-Encoding: chunked',
  'X-A: b\rContent-Length: 5',
  'X-A: b\r\n Content-Length: 5',
  'X-A : b',
  ': b',
  'X A: b',
  'X-A',
  'X-A: b\0c',
  'X-A: b\x01c',
  'X-A: b\x7fc',
  'X-\xe9: b',
  'X(A): b',
  ' X-A: b',
  '\tX-A: b',
  'X-\0A: b',
  '!',
  '!',
  '!',
  '!',
  '!',
  '!',
  '!',
  '!',
  '!',
  '!',
]

const breakings: readonly Oddity[] = [
  (sketch, chance) => (sketch.target += chance.oneOf(brokenSegments)),
  (sketch, chance) =>
    (sketch.version = chance.oneOf([
      'HTTP/1.2',
      'HTTP/2.0',
      'http/1.1',
      'HTTP/1.1 ',
      'HTTP/1',
      'X',
      '',
    ])),
  (sketch, chance) =>
    (sketch.method = chance.oneOf([
      '',
      ' GET',
      'GE T',
      'GET\0',
      'CONNECT',
      'PRI',
      'G\xe9T',
      '\x16\x03\x01',
    ])),
  (sketch, chance) => {
    for (let left = 100; left > 0; left -= 1) addLine(sketch, 'X-Many: a', chance)
  },
  (sketch, chance) => addLine(sketch, `X-Large: ${'x'.repeat(17_000)}`, chance),
  (sketch, chance) => breakChunks(sketch, chance),
  (sketch, chance) => breakChunks(sketch, chance),
  (sketch) => {
    sketch.version = 'HTTP/1.0'
    sketch.lines.push('Transfer-Encoding: chunked')
    sketch.body = '0\r\n\r\n'
  },
  (sketch, chance) =>
    (sketch.behind = chance.oneOf(['garbage\r\n\r\n', '\0', 'GET', '\r\n\r\nx y z\r\n\r\n'])),
  (sketch, chance) =>
    (sketch.before = chance.oneOf([
      '\n',
      '\r',
      ' ',
      '\0',
      'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n',
      'x\r\n',
    ])),
]

function breakChunks(sketch: Sketch, chance: Chance): void {
  const others = sketch.lines.filter(
    (line) => !/^(?:content-length|transfer-encoding|expect):/i.test(line),
  )
  sketch.lines.splice(0, sketch.lines.length, ...others, 'Transfer-Encoding: chunked')
  sketch.body = chance.oneOf([
    '10000000000000000\r\n',
    '+1\r\na\r\n0\r\n\r\n',
    '-1\r\na\r\n0\r\n\r\n',
    '0x1\r\na\r\n0\r\n\r\n',
    '1 \r\na\r\n0\r\n\r\n',
    ' 1\r\na\r\n0\r\n\r\n',
    '\r\na\r\n0\r\n\r\n',
    '1\na\n0\n\n',
    '1\ra\r0\r\r',
    '1\r\nabc\r\n0\r\n\r\n',
    '3\r\na\r\n0\r\n\r\n',
    '1;a\nb\r\na\r\n0\r\n\r\n',
    '1\r\naXX0\r\n\r\n',
    'g\r\na\r\n0\r\n\r\n',
    '1\r\na\r\n0\r\nX-A : b\r\n\r\n',
    '1\r\na\r\n0\r\n X: b\r\n\r\n',
    '1\r\na\r\n0\r\n\nX: b\r\n\r\n',
    '1;\x01\r\na\r\n0\r\n\r\n',
  ])
}
