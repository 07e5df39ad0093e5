import type { Chance } from '../simulation/chance.ts'
import { createChance, seedOf } from '../simulation/chance.ts'
import type { Sketch } from './oddities.ts'
import { makeOdd, misframe } from './oddities.ts'
import type { TokenName } from './tokens.ts'
import {
  hiddenRequest,
  hiddenTag,
  oneOfEach,
  goodNames,
  goodQueries,
  goodSegments,
  goodValues,
  nominations,
  thisHop,
  traces,
  wipedNames,
} from './words.ts'

/** What is sent over one connection before anything of its answers is waited for. */
export interface Batch {
  readonly number: number
  readonly sketches: readonly Sketch[]
  /** The octets are written in so many pieces. */
  readonly pieces: number
  /** The client ends its side in the middle of the last request. */
  readonly isCut: boolean
}

/** Of the batch that a tag belongs to. */
export function batchNumberOf(tag: string): number {
  const [, digits = ''] = /^(?:H0*)?([\da-z]+)/.exec(tag) ?? []
  return Number.parseInt(digits, 36)
}

/** The same seed and number make the same batch, but for the texts of its tokens. */
export function batchOf(seed: number, number: number): Batch {
  const chance = createChance(seedOf(seed, number))
  const count = chance.happens(0.4) ? chance.between(2, 5) : 1
  const sketches = Array.from({ length: count }, (_, place) => {
    const sketch = sketchRequest(chance, `${number.toString(36)}-${place.toString(36)}`)
    if (chance.happens(0.35)) makeOdd(sketch, chance)
    return sketch
  })
  const last = sketches.at(-1)
  if (last !== undefined && chance.happens(0.12)) misframe(last, chance)
  return {
    number,
    sketches,
    pieces: chance.happens(0.2) ? chance.between(2, 6) : 1,
    isCut: chance.happens(0.01),
  }
}

/** As octets; the tokens are those of the moment. */
export function octetsOf(
  { number, sketches, isCut }: Batch,
  tokenOf: (name: TokenName) => string,
): string {
  const octets = sketches
    .map((sketch) => render(sketch, tokenOf))
    .join('')
    .replaceAll(hiddenTag, `H${number.toString(36).padStart(hiddenTag.length - 1, '0')}`)
  return isCut ? octets.slice(0, -3) : octets
}

function render(
  { before, method, target, version, lines, body, behind }: Sketch,
  tokenOf: (name: TokenName) => string,
): string {
  const header = lines
    .map((line) => `${line}\r\n`)
    .join('')
    .replaceAll(/\{(\w+)\}/g, (_whole, name: string) => tokenOf(name as TokenName))
  return `${before}${method} ${target} ${version}\r\n${header}\r\n${body}${behind}`
}

interface Place {
  readonly prefix: string
  readonly hosts: readonly string[]
  readonly methods: readonly string[]
  readonly tokens: readonly (TokenName | 'nobody')[]
}

const anyHost = ['shop.example', 'shop.example', 'SHOP.example:80', '[::1]:8080', '127.0.0.1']
const anyMethod = [
  'GET',
  'GET',
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PROPFIND',
]
const callers = ['customer', 'admin', 'clerk', 'reader', 'machine', 'odd'] as const
const writers = ['customer', 'admin', 'machine'] as const

const places: readonly Place[] = [
  { prefix: '/orders', hosts: anyHost, methods: anyMethod, tokens: callers },
  { prefix: '/orders/managed', hosts: anyHost, methods: anyMethod, tokens: ['admin'] },
  { prefix: '/optional', hosts: anyHost, methods: anyMethod, tokens: ['nobody', ...callers] },
  { prefix: '/public', hosts: anyHost, methods: anyMethod, tokens: ['nobody', 'nobody', 'forged'] },
  { prefix: '/reads', hosts: anyHost, methods: ['GET', 'HEAD'], tokens: ['nobody'] },
  { prefix: '/writes', hosts: anyHost, methods: ['POST', 'PUT', 'DELETE'], tokens: callers },
  { prefix: '/shop', hosts: anyHost, methods: anyMethod, tokens: ['nobody'] },
  { prefix: '/whole', hosts: anyHost, methods: anyMethod, tokens: ['nobody'] },
  {
    prefix: '/public',
    hosts: ['intern.example', 'INTERN.example:80'],
    methods: anyMethod,
    tokens: writers,
  },
  { prefix: '/public', hosts: ['Intern.Example:8443'], methods: anyMethod, tokens: ['nobody'] },
]

/** One that is to be forwarded, with much in it that is not. */
function sketchRequest(chance: Chance, tag: string): Sketch {
  const { prefix, hosts, methods, tokens } = chance.oneOf(places)
  const method = chance.oneOf(methods)
  const lines = [`X-Tag: ${tag}`, `Host: ${chance.oneOf(hosts)}`]
  const token = chance.oneOf(tokens)
  if (token !== 'nobody') {
    const name = chance.oneOf(['Authorization', 'Authorization', 'authorization', 'AUTHORIZATION'])
    lines.push(`${name}: ${chance.oneOf(['Bearer', 'Bearer', 'bearer', 'BEARER'])} {${token}}`)
  }
  for (let left = chance.between(0, 5); left > 0; left -= 1) lines.push(goodLine(chance))
  if (chance.happens(0.3))
    lines.push(`${chance.oneOf(wipedNames)}: ${chance.oneOf(['forged', '1.2.3.4', 'admin'])}`)
  if (chance.happens(0.2)) lines.push(chance.oneOf(thisHop))
  if (chance.happens(0.15)) lines.push(...oneOfEach(traces, chance))
  if (chance.happens(0.2)) lines.push(`Connection: ${oneOfEach(nominations, chance).join(', ')}`)
  const segments = Array.from(
    { length: chance.between(0, 3) },
    () => `/${chance.oneOf(goodSegments)}`,
  )
  const slash = chance.happens(0.1) ? '/' : ''
  const query = chance.happens(0.4) ? `?${chance.oneOf(goodQueries)}` : ''
  const sketch: Sketch = {
    before: chance.happens(0.02) ? '\r\n' : '',
    method,
    target: `${prefix}${segments.join('')}${slash}${query}`,
    version: 'HTTP/1.1',
    lines,
    body: '',
    behind: '',
  }
  const mayHaveBody = chance.happens(/^P|DELETE/.test(method) ? 0.7 : 0.05)
  if (mayHaveBody) addBody(sketch, chance)
  shuffle(sketch.lines, chance)
  return sketch
}

function goodLine(chance: Chance): string {
  const space = chance.oneOf([' ', ' ', ' ', '', '  ', '\t'])
  return `${chance.oneOf(goodNames)}:${space}${chance.oneOf(goodValues)}${chance.oneOf(['', '', ' '])}`
}

function addBody(sketch: Sketch, chance: Chance): void {
  const content = contentOf(chance)
  if (chance.happens(0.3))
    sketch.lines.push(`Content-Type: ${chance.oneOf(['text/plain', 'application/json'])}`)
  if (chance.happens(0.05))
    sketch.lines.push(chance.oneOf(['Expect: 100-continue', 'expect: 100-Continue']))
  if (chance.happens(0.5)) {
    const zeros = chance.happens(0.05) ? '00' : ''
    sketch.lines.push(
      `${chance.oneOf(['Content-Length', 'content-length'])}: ${zeros}${content.length}`,
    )
    sketch.body = content
    return
  }
  sketch.lines.push(`Transfer-Encoding: ${chance.oneOf(['chunked', 'chunked', 'Chunked'])}`)
  sketch.body = chunked(content, chance)
}

function contentOf(chance: Chance): string {
  if (chance.happens(0.2)) return `${hiddenRequest}${hiddenRequest}`
  const size = chance.between(0, chance.oneOf([3, 40, 1500]))
  return chance.happens(0.3)
    ? chance.bytes(size).toString('latin1')
    : 'body of it '.repeat(200).slice(0, size)
}

function chunked(content: string, chance: Chance): string {
  const pieces: string[] = []
  let at = 0
  while (at < content.length) {
    const piece = content.slice(at, at + chance.between(1, chance.oneOf([8, 700])))
    if (pieces.length > 20) pieces.push(chunk(content.slice(at), chance))
    else pieces.push(chunk(piece, chance))
    at += pieces.length > 21 ? content.length : piece.length
  }
  const trailers = chance.happens(0.1)
    ? chance.oneOf([
        'X-Checksum: a\r\n',
        'X-User-Id: forged\r\nX-Tag: smuggled\r\n',
        'Authorization: forged\r\n',
      ])
    : ''
  return `${pieces.join('')}${chance.oneOf(['0', '0', '00'])}\r\n${trailers}\r\n`
}

function chunk(piece: string, chance: Chance): string {
  const size = piece.length.toString(16)
  const spelled = chance.oneOf([size, size, size.toUpperCase(), `0${size}`])
  const extension = chance.happens(0.05) ? chance.oneOf([';a=b', ';forged', ';a="b c"']) : ''
  return `${spelled}${extension}\r\n${piece}\r\n`
}

function shuffle(lines: string[], chance: Chance): void {
  for (let at = lines.length - 1; at > 0; at -= 1) {
    const other = chance.between(0, at)
    const [one = '', two = ''] = [lines[at], lines[other]]
    lines[at] = two
    lines[other] = one
  }
}
