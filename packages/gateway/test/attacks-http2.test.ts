import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { assertServed, withServices } from './attack-expectations.ts'
import type { ServiceGets } from './gateway-vectors.ts'
import { gatewayCorpus, textFiller } from './gateway-vectors.ts'
import {
  errors,
  flags,
  frame,
  headerBlock,
  isEndOf,
  isReset,
  openRaw,
  types,
} from './http2-frames.ts'
import { pathsOf } from './tls-files.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

/*
 * What of vectors/gateway-attacks.json can be said in HTTP/2, in frames. What only HTTP/2 can say is in
 * http2-attacks.test.ts and http2-floods.test.ts.
 */
const { gateway, attacks } = gatewayCorpus

test('no attack that can be said in HTTP/2 reaches a service, and its twin does', async (t) => {
  const world = await startWorld(t, {
    file: (to) => ({ ...withServices(gateway, to), listen: { port: 0, tls: pathsOf('service') } }),
  })
  const said: string[] = []
  for (const { id, does, request, expected, twin, tokens } of attacks) {
    const fill = textFiller(world.issuer, tokens)
    const [frames, twinFrames] = [framesOf(fill(request)), framesOf(fill(twin.request))]
    if (frames === undefined || twinFrames === undefined) continue
    said.push(id)
    const what = `${id}: who ${does}`
    const logged = world.log().length
    const outcome = await outcomeOf(world, frames)
    const [status = 0] = expected.statuses
    if (frames.isMalformed || status >= 400) {
      const allowed = frames.isMalformed ? [400] : [status]
      assert.ok([...allowed, 'reset'].includes(outcome), `${what}: ${outcome}`)
      assertServed(world.service.requests.splice(0), [], fill, what)
    } else {
      assert.equal(outcome, 200, what)
      assertServed(world.service.requests.splice(0), overTls(expected.service), fill, what)
    }
    for (const text of expected.logLacks ?? []) {
      assert.ok(!world.log().includes(fill(text), logged), what)
    }
    assert.equal(await outcomeOf(world, twinFrames), 200, `${id}: its twin`)
    assertServed(world.service.requests.splice(0), overTls(twin.service), fill, `${id}: its twin`)
  }
  assert.ok(said.length >= 230, `only ${said.length} attacks can be said in HTTP/2`)
  for (const threat of ['G1', 'G2', 'G3', 'G4', 'G17', 'G25', 'G26', 'G27', 'G36', 'G44']) {
    assert.ok(
      said.some((id) => id.startsWith(`${threat}-`)),
      threat,
    )
  }
})

interface Said {
  readonly block: Buffer
  readonly body: string
  readonly trailers: readonly Field[]
  /** It has fields that a request of HTTP/2 cannot have (RFC 9113 section 8.2.2). */
  readonly isMalformed: boolean
}

type Field = readonly [name: string, value: string]

const ofConnections = new Set(['keep-alive', 'proxy-connection', 'upgrade', 'http2-settings'])
/** More would need frames of its own. */
const blockBytesMax = 16_000

/** One whole request of HTTP/1.1 that ends its connection, in HTTP/2; undefined for all else. */
function framesOf(octets: string): Said | undefined {
  const [head = '', ...rest] = octets.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const [, method, target] = /^([A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.1$/.exec(first) ?? []
  const fields = fieldsOf(lines)
  if (method === undefined || target === undefined || fields === undefined) return undefined
  const valuesOf = (wanted: string): string[] =>
    fields.filter(([name]) => name === wanted).map(([, value]) => value)
  const [host, ...hosts] = valuesOf('host')
  const isOne = valuesOf('connection').join() === 'close' && hosts.length === 0
  if (!isOne || host === undefined || method === 'CONNECT' || method === 'HEAD') return undefined
  const body = bodyOf(rest.join('\r\n\r\n'), valuesOf('transfer-encoding'))
  const lengths = valuesOf('content-length')
  const isFramed = lengths.every((length) => Number(length) === body?.content.length)
  if (
    body === undefined ||
    !isFramed ||
    (lengths.length === 0 && !body.isChunked && body.content !== '')
  ) {
    return undefined
  }
  const regular = fields.filter(
    ([name]) => !['host', 'connection', 'transfer-encoding'].includes(name),
  )
  const pseudo: Field[] = [
    [':method', method],
    [':scheme', 'https'],
    [':authority', host],
    [':path', target],
  ]
  const block = headerBlock(...pseudo, ...regular)
  if (block.length > blockBytesMax || body.content.length > blockBytesMax) return undefined
  const isMalformed = regular.some(
    ([name, value]) => ofConnections.has(name) || (name === 'te' && value !== 'trailers'),
  )
  return { block, body: body.content, trailers: body.trailers, isMalformed }
}

/** Undefined where a line is none that HTTP/2 could carry: nghttp2 leaves out what no value may have. */
function fieldsOf(lines: readonly string[]): Field[] | undefined {
  const fields = lines.map((line): Field | undefined => {
    const [, name, value] = fieldLine.exec(line) ?? []
    return name === undefined || value === undefined ? undefined : [name.toLowerCase(), value]
  })
  return fields.every((field) => field !== undefined) ? fields : undefined
}

const fieldLine = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/

interface Body {
  readonly content: string
  readonly trailers: readonly Field[]
  readonly isChunked: boolean
}

function bodyOf(octets: string, codings: readonly string[]): Body | undefined {
  if (codings.length === 0) return { content: octets, trailers: [], isChunked: false }
  // One chunk and its end are enough for the corpus.
  const [, size, content = '', after = ''] =
    /^([\da-f]+)\r\n(.*?)\r\n0\r\n(.*)$/is.exec(octets) ?? []
  const trailers = fieldsOf(after.split('\r\n').filter((line) => line !== ''))
  const isWhole = codings.join() === 'chunked' && Number.parseInt(size ?? '', 16) === content.length
  return isWhole && trailers !== undefined ? { content, trailers, isChunked: true } : undefined
}

/** The status of the answer, or that the request was reset as none. */
async function outcomeOf(
  { port }: World,
  { block, body, trailers }: Said,
): Promise<number | 'reset'> {
  const connection = await openRaw(port)
  const hasMore = body !== '' || trailers.length > 0
  connection.send(
    frame(types.headers, flags.endHeaders | (hasMore ? 0 : flags.endStream), 1, block),
  )
  if (hasMore) {
    const last = trailers.length > 0 ? 0 : flags.endStream
    connection.send(frame(types.data, last, 1, Buffer.from(body, 'latin1')))
  }
  if (trailers.length > 0) {
    connection.send(
      frame(types.headers, flags.endHeaders | flags.endStream, 1, headerBlock(...trailers)),
    )
  }
  const end = await connection.until((one) => isEndOf(1)(one) || isReset(1)(one))
  connection.socket.destroy()
  if (end.type === types.reset) {
    assert.equal(end.payload.readUInt32BE(), errors.protocol)
    return 'reset'
  }
  const answer = connection.frames
    .filter(({ type, stream }) => type === types.data && stream === 1)
    .map(({ payload }) => payload.toString())
    .join('')
  return (JSON.parse(answer) as { status?: number }).status ?? 200
}

function overTls(service: readonly ServiceGets[] = []): readonly ServiceGets[] {
  return service.map((gets) => {
    const { has } = gets
    const lines = has?.map((line) =>
      line.replace('X-Forwarded-Proto: http', 'X-Forwarded-Proto: https'),
    )
    return lines === undefined ? gets : { ...gets, has: lines }
  })
}
