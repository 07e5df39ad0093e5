import assert from 'node:assert/strict'
import { createHash, createPublicKey, verify } from 'node:crypto'
import type { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { decodeRecords } from '@portcullis/protocol/revocations'
import type { RunningIdentity } from './running-identity.ts'

// Not by `import`, as in `http-client.ts`.
const { request: startRequest } = process.getBuiltinModule('node:http')

/** A follower as `docs/feed-format.md` describes it, on Node's own cryptography. */
export interface Follower {
  readonly frames: readonly ReceivedFrame[]
  readonly response: IncomingMessage
  /** The next frame that was not asked for yet. Rejects when the stream ends or is wrong. */
  readonly next: () => Promise<ReceivedFrame>
  readonly ended: Promise<void>
  readonly leave: () => void
}

export interface ReceivedFrame {
  readonly id: string
  readonly records: readonly FollowedRecord[]
  readonly checkpoint: FollowedCheckpoint
  /** `performance.now()` */
  readonly receivedAtMs: number
}

export interface FollowedRecord {
  readonly seq: number
  readonly kind: number
  readonly fingerprint: string
  readonly floor: number
  readonly until: number
}

export interface FollowedCheckpoint {
  readonly iss: string
  readonly epoch: string
  readonly seq: number
  readonly chain: string
  readonly at: number
}

type JsonWebKey = webcrypto.JsonWebKey

export type FeedKeys = ReadonlyMap<string, JsonWebKey>

export async function fetchFeedKeys(identity: RunningIdentity): Promise<FeedKeys> {
  const answer = await identity.ask({ path: '/.well-known/revocation-keys.json' })
  assert.equal(answer.status, 200)
  const { keys } = answer.members() as { keys: (JsonWebKey & { kid: string })[] }
  assert.ok(keys.length > 0)
  return new Map(keys.map((key) => [key.kid, key]))
}

export function verifyCheckpoint(jws: string, typ: string, keys: FeedKeys): FollowedCheckpoint {
  const [header = '', payload = '', signature = '', ...more] = jws.split('.')
  assert.equal(more.length, 0)
  const parsed = parse(header)
  assert.deepEqual([parsed['typ'], parsed['alg']], [typ, 'ES256'])
  const key = keys.get(String(parsed['kid']))
  assert.ok(key !== undefined, 'signed by another key')
  const isGood = verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    { key: createPublicKey({ key, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  )
  assert.ok(isGood, 'the signature is wrong')
  return parse(payload) as unknown as FollowedCheckpoint
}

function parse(part: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
}

export function chainBefore(epoch: string): string {
  return createHash('sha256').update(`portcullis revocations\0${epoch}`).digest('base64url')
}

function chainOver(chain: string, records: Buffer): string {
  let last = Buffer.from(chain, 'base64url')
  for (let at = 0; at < records.length; at += 33) {
    last = createHash('sha256')
      .update(last)
      .update(records.subarray(at, at + 33))
      .digest()
  }
  return last.toString('base64url')
}

export function readRecords(bytes: Buffer): readonly FollowedRecord[] {
  const records: FollowedRecord[] = []
  for (let at = 0; at < bytes.length; at += 33) {
    records.push({
      seq: Number(bytes.readBigUInt64BE(at)),
      kind: bytes.readUInt8(at + 8),
      fingerprint: bytes.toString('hex', at + 9, at + 17),
      floor: Number(bytes.readBigUInt64BE(at + 17)),
      until: Number(bytes.readBigUInt64BE(at + 25)),
    })
  }
  // The protocol package reads the same out of it.
  const decoded = decodeRecords(bytes) ?? assert.fail('the decoder refuses it')
  assert.deepEqual(
    decoded.map(({ seq, floor, until }) => [seq, floor, until]),
    records.map(({ seq, floor, until }) => [seq, floor, until]),
  )
  return records
}

export interface FollowOptions {
  /** `<epoch>:<seq>`, and the chain up to there. */
  readonly after: string
  readonly chain: string
  readonly keys: FeedKeys
  readonly issuer: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Opens a stream and checks every frame by the three rules of the format. */
export async function follow(port: number, options: FollowOptions): Promise<Follower> {
  const { after, keys, issuer, headers = {} } = options
  const path = `/revocations/stream?after=${after}`
  const request = startRequest({ host: '127.0.0.1', port, path, headers, agent: false })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  assert.match(String(response.headers['content-type']), /^text\/event-stream\b/)

  const [epoch = '', startSeq = ''] = after.split(':')
  let held = { seq: Number(startSeq), chain: options.chain, at: 0 }
  const apply = (event: string): ReceivedFrame => {
    const { id, records: bytes, jws } = readEvent(event)
    const checkpoint = verifyCheckpoint(jws, 'revocation-checkpoint+jwt', keys)
    const records = readRecords(bytes)
    assert.deepEqual([checkpoint.iss, checkpoint.epoch], [issuer, epoch])
    for (const [at, { seq }] of records.entries()) assert.equal(seq, held.seq + 1 + at)
    assert.equal(checkpoint.seq, held.seq + records.length)
    assert.equal(checkpoint.chain, chainOver(held.chain, bytes))
    assert.ok(checkpoint.at >= held.at, 'a checkpoint went back')
    assert.equal(id, `${epoch}:${checkpoint.seq}`)
    held = checkpoint
    return { id, records, checkpoint, receivedAtMs: performance.now() }
  }
  return readFrames(response, apply)
}

function readEvent(event: string): { id: string; records: Buffer; jws: string } {
  const fields = new Map(
    event.split('\n').map((line) => {
      const at = line.indexOf(': ')
      return [line.slice(0, at), line.slice(at + 2)]
    }),
  )
  assert.deepEqual([...fields.keys()], ['event', 'id', 'data'])
  assert.equal(fields.get('event'), 'records')
  const { records, checkpoint, ...others } = JSON.parse(fields.get('data') ?? '') as {
    records: string
    checkpoint: string
  }
  assert.deepEqual(others, {})
  return {
    id: fields.get('id') ?? '',
    records: Buffer.from(records, 'base64url'),
    jws: checkpoint,
  }
}

function readFrames(response: IncomingMessage, apply: (event: string) => ReceivedFrame): Follower {
  const frames: ReceivedFrame[] = []
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let failure: unknown
  let asked = 0
  let wake: (() => void) | undefined
  let rest = ''
  response.setEncoding('utf8')
  response.on('error', (error) => (failure ??= error))
  response.on('close', () => {
    failure ??= new Error('the stream has ended')
    end()
    wake?.()
  })
  response.on('data', (piece: string) => {
    const events = (rest + piece).split('\n\n')
    rest = events.pop() ?? ''
    try {
      for (const event of events) frames.push(apply(event))
    } catch (error) {
      failure = error
      response.destroy()
    }
    wake?.()
  })
  return {
    frames,
    response,
    ended,
    leave: () => response.destroy(),
    next: async () => {
      while (frames.length <= asked) {
        if (failure !== undefined) throw failure
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      asked += 1
      return frames[asked - 1] ?? assert.fail()
    },
  }
}
