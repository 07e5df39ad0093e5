import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { createGzip } from 'node:zlib'
import type { Verifier, VerifierWarning } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { firstChain, formatFrame, parseFrame } from '@portcullis/protocol/revocations'
import { generateTestKey } from '../src/testing/test-key.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import { waitUntil } from './wait-until.ts'

const sid = 'S'.repeat(22)

async function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) =>
      error instanceof VerifyError ? (error.reason ?? error.code) : String(error),
  )
}

function event(checkpoint: string, records: Buffer = Buffer.alloc(0)): string {
  return `event: records\ndata: ${formatFrame({ records, checkpoint })}\n\n`
}

/** The records as they are, under a checkpoint that is not what it should be. */
function under(checkpoint: string, { feed }: ScriptedIssuer): string {
  const [, data = ''] = /^data: (.*)$/m.exec(feed.eventAfter(0)) ?? []
  const { records } = parseFrame(data) ?? {}
  assert.ok(records !== undefined && records.length === 33)
  return event(checkpoint, records)
}

/** What a relay may send in place of the frame that revokes the session. */
const attacks: readonly (readonly [string, (issuer: ScriptedIssuer) => string])[] = [
  ['the records left out', ({ feed }) => event(feed.sign())],
  [
    'a record altered',
    ({ feed }) => {
      const [, start = '', last] = /^(.*"records":".{20})(.)/s.exec(feed.eventAfter(0)) ?? []
      const changed = `${start}${last === 'A' ? 'B' : 'A'}`
      return changed + feed.eventAfter(0).slice(changed.length)
    },
  ],
  [
    'a checkpoint signed by a key for tokens',
    (issuer) => under(issuer.feed.sign({}, issuer.keys.current()), issuer),
  ],
  [
    'a checkpoint signed by a stranger',
    (issuer) => under(issuer.feed.sign({}, generateTestKey('ES256')), issuer),
  ],
  [
    'a checkpoint by a stranger who uses the kid of the feed',
    (issuer) => {
      const [header = '', payload = ''] = issuer.feed.sign().split('.')
      return under(`${header}.${payload}.${Buffer.alloc(64, 1).toString('base64url')}`, issuer)
    },
  ],
  [
    'a snapshot manifest as checkpoint',
    (issuer) => under(issuer.feed.sign({}, undefined, 'revocation-snapshot+jwt'), issuer),
  ],
  [
    'a checkpoint of another issuer',
    (issuer) => under(issuer.feed.sign({ iss: 'https://other.example' }), issuer),
  ],
  [
    'a checkpoint of another epoch',
    (issuer) => under(issuer.feed.sign({ epoch: 'B'.repeat(22) }), issuer),
  ],
  ['a checkpoint without kids', (issuer) => under(issuer.feed.sign({ kids: 'none' }), issuer)],
  [
    'a checkpoint with a chain of its own',
    (issuer) => under(issuer.feed.sign({ chain: firstChain('x') }), issuer),
  ],
  ['what is no frame', () => 'event: records\ndata: {"records":1}\n\n'],
  ['an event that is too long', () => `data: ${'x'.repeat(2 * 1024 * 1024)}\n\n`],
  ['what is no JSON', () => 'event: records\ndata: <html>\n\n'],
]
for (const [what, attack] of attacks) {
  test(`a stream with ${what} is left, and a snapshot tells the truth`, async (t) => {
    const issuer = scriptIssuer(t)
    const warnings: VerifierWarning[] = []
    const onWarning = (warning: VerifierWarning): number => warnings.push(warning)
    const verifier = await issuer.follow({ onWarning })
    const token = issuer.mint()
    assert.equal(await fateOf(verifier, token), 'accepted')
    issuer.feed.append({ sid })
    issuer.send(attack(issuer))
    await waitUntil(() => issuer.asked(paths.snapshot) === 2, 'another snapshot')
    await waitUntil(() => issuer.asked(paths.stream) === 2, 'another stream')
    assert.equal(await fateOf(verifier, token), 'revoked')
    assert.equal(await fateOf(verifier, issuer.mint({ sid: 'T'.repeat(22) })), 'accepted')
    const health = verifier.revocation()
    assert.ok(health.followed)
    assert.equal(health.counts.framesRefused, 1)
    assert.equal(health.counts.snapshotsJoined, 2)
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['PORTCULLIS_REVOCATION_FEED'],
    )
    assert.match(
      warnings[0]?.message ?? '',
      /id\.example brought a frame that is refused: .*\(number 1\)$/,
    )
  })
}

test('a feed that is hostile all the time is counted each time, and told once a minute', async (t) => {
  const issuer = scriptIssuer(t)
  const warnings: string[] = []
  const onWarning = ({ message }: VerifierWarning): number => warnings.push(message)
  const verifier = await issuer.follow({ onWarning })
  const refused = (): number => {
    const health = verifier.revocation()
    return health.followed ? health.counts.framesRefused : 0
  }
  for (const count of [1, 2, 3]) {
    issuer.send(event(issuer.feed.sign({ seq: count, chain: firstChain('x') })))
    await waitUntil(() => refused() === count, `attack ${count}`)
    await waitUntil(() => issuer.asked(paths.stream) === count + 1, 'another stream')
  }
  assert.equal(warnings.length, 1)
})

test('what the operator is told may throw, and the feed is followed on', async (t) => {
  const issuer = scriptIssuer(t)
  let told = 0
  const onWarning = (): never => {
    told += 1
    throw new RangeError('a bug of the service')
  }
  const verifier = await issuer.follow({ onWarning })
  issuer.send(event('no.checkpoint.'))
  await waitUntil(() => issuer.asked(paths.stream) === 2, 'another stream')
  await verifier.ready()
  assert.equal(told, 1)
})

test('health tells what is wrong with the feed and since when, and when it is mended', async (t) => {
  const issuer = scriptIssuer(t)
  issuer.answer(paths.snapshot, () => new Response(null, { status: 503 }))
  const verifier = issuer.verifier()
  await assert.rejects(verifier.ready())
  const before = verifier.revocation()
  assert.ok(before.followed && before.state === 'starting')
  assert.equal(before.failure?.why, 'the revocation feed answered 503')
  const age = Date.now() - before.failure.since
  assert.ok(age >= 0 && age < 5_000, `${age} ms`)
  issuer.answer(paths.snapshot, undefined)
  await waitUntil(() => issuer.asked(paths.stream) > 0, 'the stream')
  // The first frame may be the very checkpoint of the snapshot, where both are of one millisecond.
  await new Promise((resolve) => setTimeout(resolve, 5))
  issuer.send(issuer.feed.eventAfter(issuer.feed.position().seq))
  await waitUntil(() => {
    const { ...now } = verifier.revocation()
    return now.followed && now.failure === undefined
  }, 'no failure')
  const after = verifier.revocation()
  assert.ok(after.followed && after.state === 'fresh')
  assert.ok(after.counts.framesApplied >= 1)
  assert.equal(after.counts.streams, 1)
  assert.equal(after.counts.snapshotsRefused, 0)
})

test('old frames that are sent again do no harm', async (t) => {
  const issuer = scriptIssuer(t)
  const verifier = await issuer.follow()
  const old = issuer.feed.eventAfter(0)
  await new Promise((resolve) => setTimeout(resolve, 5))
  issuer.feed.append({ sid })
  const revoking = issuer.feed.eventAfter(0)
  issuer.send(revoking)
  const token = issuer.mint()
  const isRevoked = (): boolean => {
    const health = verifier.revocation()
    return health.followed && health.seq === 1
  }
  await waitUntil(isRevoked, 'the record')
  const late = (): number => {
    const health = verifier.revocation()
    return health.followed ? health.counts.framesLate : assert.fail('nothing is followed')
  }
  const lateBefore = late()
  for (const text of [old, revoking, old]) issuer.send(text)
  await waitUntil(() => late() === lateBefore + 3, 'the repeats')
  assert.equal(await fateOf(verifier, token), 'revoked')
  assert.equal(issuer.asked(paths.snapshot), 1)
  assert.equal(issuer.asked(paths.stream), 1)
})

test('fewer records at a later time are lost history: what was held stays revoked', async (t) => {
  const issuer = scriptIssuer(t)
  issuer.feed.append({ sid })
  const verifier = await issuer.follow()
  const token = issuer.mint()
  assert.equal(await fateOf(verifier, token), 'revoked')
  issuer.answer(paths.snapshot, () => new Response(null, { status: 503 }))
  const at = Date.now() + 10
  issuer.send(event(issuer.feed.sign({ seq: 0, at })))
  await waitUntil(() => issuer.asked(paths.snapshot) === 2, 'another snapshot')
  const health = verifier.revocation()
  assert.ok(health.followed && !health.isFresh)
  const old = issuer.mint({ sid: 'T'.repeat(22), iat: Math.floor(Date.now() / 1000) - 60 })
  assert.equal(await fateOf(verifier, old), 'stale')

  issuer.feed.startEpoch()
  issuer.answer(paths.snapshot, undefined)
  await waitUntil(() => {
    const { ...now } = verifier.revocation()
    return now.followed && now.isFresh
  }, 'a new epoch')
  assert.equal(await fateOf(verifier, token), 'revoked', 'joined with what was held')
  assert.equal(await fateOf(verifier, old), 'accepted')
})

const badSnapshots: readonly (readonly [string, (issuer: ScriptedIssuer) => Buffer])[] = [
  [
    'a record more than its manifest covers',
    ({ feed }) => Buffer.concat([feed.snapshot(), Buffer.alloc(33)]),
  ],
  ['a record less', ({ feed }) => feed.snapshot().subarray(0, -33)],
  ['an altered record', ({ feed }) => flip(feed.snapshot(), -1)],
  ['an altered signature', ({ feed }) => flip(feed.snapshot(), feed.snapshot().indexOf(10) - 5)],
  ['a checkpoint as manifest', ({ feed }) => Buffer.from(`${feed.sign()}\n`)],
  [
    'a manifest by a key for tokens',
    ({ feed, keys }) =>
      Buffer.from(`${feed.sign({ sha256: '' }, keys.current(), 'revocation-snapshot+jwt')}\n`),
  ],
  ['no manifest', () => Buffer.alloc(33)],
  ['a manifest without an end', () => Buffer.alloc(100_000, 'x')],
  ['nothing in it', () => Buffer.alloc(0)],
]
function flip(bytes: Buffer, at: number): Buffer {
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = (bytes[place] ?? 0) ^ 1
  return bytes
}
for (const [what, snapshot] of badSnapshots) {
  test(`a snapshot with ${what} is not joined, and the next one is`, async (t) => {
    const issuer = scriptIssuer(t)
    issuer.feed.append({ sid })
    issuer.answer(paths.snapshot, () => new Response(new Uint8Array(snapshot(issuer))))
    const warnings: string[] = []
    const verifier = issuer.verifier({ onWarning: ({ message }) => warnings.push(message) })
    await assert.rejects(verifier.ready(), { code: 'feed-unavailable', status: 503 })
    const health = verifier.revocation()
    assert.ok(health.followed && health.records === 0 && health.seq === undefined)
    assert.ok(health.counts.snapshotsRefused > 0 && health.counts.snapshotsJoined === 0)
    assert.ok(warnings.length === 1 && warnings[0]?.includes('snapshot'), String(warnings))
    issuer.answer(paths.snapshot, undefined)
    await waitUntil(() => issuer.asked(paths.stream) > 0, 'the stream')
    await verifier.ready()
    assert.equal(await fateOf(verifier, issuer.mint()), 'revoked')
  })
}

test('a snapshot longer than 64 MiB is left', async (t) => {
  const issuer = scriptIssuer(t)
  let sent = 0
  issuer.answer(paths.snapshot, () => {
    const chunk = new Uint8Array(4 * 1024 * 1024).fill(10)
    return new Response(
      new ReadableStream({
        pull: (controller) => {
          sent += 1
          controller.enqueue(chunk)
        },
      }),
    )
  })
  await assert.rejects(issuer.verifier().ready(), /malformed or too long/)
  assert.ok(sent < 40, `${sent} chunks of 4 MiB`)
})

// The limit counts what comes out, and what is too much of it is not unpacked.
test('a snapshot that was compressed from gigabytes is left when 64 MiB have come out of it', async (t) => {
  const unit = 16 * 1024 * 1024
  const gzip = createGzip()
  let unpacked = 0
  const zeros = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('manifest\n')
    for (; unpacked < 4 * 1024 ** 3; unpacked += unit) yield Buffer.alloc(unit)
  }
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' })
    Readable.from(zeros()).pipe(gzip).pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const issuer = scriptIssuer(t)
  const bomb = await fetch(`http://127.0.0.1:${port}/`)
  issuer.answer(paths.snapshot, () => bomb)
  await assert.rejects(issuer.verifier().ready(), /malformed or too long/)
  assert.ok(unpacked < 4 * 1024 ** 3, 'all of it was unpacked')
})

test('a record of a kind that is not known makes the verifier stale and is not skipped', async (t) => {
  const issuer = scriptIssuer(t)
  const verifier = await issuer.follow()
  const old = issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
  assert.equal(await fateOf(verifier, old), 'accepted')
  // The issuer itself goes on in a way that this version does not understand.
  const record = Buffer.alloc(33, 1)
  record.writeUInt8(99, 8)
  const sha256 = createHash('sha256').update(record).digest('base64url')
  issuer.answer(paths.snapshot, () => {
    const manifest = issuer.feed.sign({ seq: 1, sha256 }, undefined, 'revocation-snapshot+jwt')
    return new Response(new Uint8Array(Buffer.concat([Buffer.from(`${manifest}\n`), record])))
  })
  issuer.send(event(issuer.feed.sign({ seq: 1 }), record))
  await waitUntil(() => issuer.asked(paths.snapshot) >= 2, 'another snapshot')
  await waitUntil(() => {
    const health = verifier.revocation()
    return health.followed && !health.isFresh
  }, 'staleness')
  assert.equal(await fateOf(verifier, old), 'stale')
  await verifier.ready()
  const late = issuer.verifier()
  await assert.rejects(late.ready(), /does not understand/)
})

test('feed keys may rotate: an unknown kid is asked for once, and a flood of them costs little', async (t) => {
  const issuer = scriptIssuer(t)
  const verifier = await issuer.follow()
  assert.equal(issuer.asked(paths.keys), 1)
  for (let times = 0; times < 20; times += 1) {
    issuer.send(event(issuer.feed.sign({}, generateTestKey('ES256'))))
  }
  await waitUntil(() => issuer.asked(paths.stream) === 2, 'another stream')
  assert.equal(issuer.asked(paths.keys), 2)
  await verifier.ready()
})

for (const [what, member] of [
  ['no revocation_feed', undefined],
  [
    'a feed at another origin',
    { snapshot: 'https://x.example/', stream: 'https://x.example/', keys: 'https://x.example/' },
  ],
  ['only a part of the feed', { snapshot: 'https://id.example/s' }],
] as const) {
  test(`metadata with ${what} is an error that names the way out, and tokens are not let through`, async (t) => {
    const issuer = scriptIssuer(t)
    issuer.answer(paths.metadata, () =>
      Response.json({
        issuer: issuer.issuer,
        jwks_uri: `${issuer.issuer}${paths.jwks}`,
        revocation_feed: member,
      }),
    )
    const verifier = issuer.verifier()
    await assert.rejects(verifier.ready(), (error: unknown) => {
      assert.ok(error instanceof VerifyError)
      assert.equal(error.code, 'feed-unavailable')
      assert.match(error.message, /revocation: 'untilExpiry'/)
      return true
    })
    const old = issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
    assert.equal(await fateOf(verifier, old), 'stale')
    assert.equal(await fateOf(verifier, issuer.mint()), 'accepted', 'minted just now')
  })
}

test('a refusal with Retry-After is not asked again before', async (t) => {
  const issuer = scriptIssuer(t)
  const headers = { 'retry-after': '2' }
  issuer.answer(paths.snapshot, () => new Response(null, { status: 503, headers }))
  const verifier = issuer.verifier({ revocation: { maxStalenessSeconds: 3 } })
  await assert.rejects(verifier.ready(), { code: 'feed-unavailable' })
  await new Promise((resolve) => setTimeout(resolve, 1_700))
  assert.equal(issuer.asked(paths.snapshot), 1)
  issuer.answer(paths.snapshot, undefined)
  await waitUntil(() => issuer.asked(paths.snapshot) === 2, 'the next snapshot')
})
