import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import type { TestContext } from 'node:test'
import { firstBase } from './first-base.ts'
import type { FeedKeys, Follower, FollowedCheckpoint } from './follower.ts'
import { chainBefore, fetchFeedKeys, follow, readRecords, verifyCheckpoint } from './follower.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertProblem,
  call,
  positionOf,
  refreshWith,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

/** Plain http on loopback: everybody may read the feed of an issuer in development. */
const issuer = 'http://127.0.0.1:4000'
const identity = await startRunningIdentity({ accounts: [alice, admin], file: { issuer } })
after(identity.close)
const keys = await fetchFeedKeys(identity)

interface Snapshot {
  readonly manifest: FollowedCheckpoint
  readonly records: Buffer
}

async function takeSnapshot(from: RunningIdentity, feedKeys: FeedKeys = keys): Promise<Snapshot> {
  const { status, headers, bytes } = await from.ask({ path: '/revocations/snapshot' })
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/octet-stream')
  assert.equal(headers['cache-control'], 'no-store')
  const end = bytes.indexOf(0x0a)
  const jws = bytes.toString('latin1', 0, end)
  const records = bytes.subarray(end + 1)
  const manifest = verifyCheckpoint(jws, 'revocation-snapshot+jwt', feedKeys)
  const { sha256 } = manifest as FollowedCheckpoint & { readonly sha256: string }
  assert.equal(sha256, createHash('sha256').update(records).digest('base64url'))
  assert.equal(manifest.iss, issuer)
  return { manifest, records }
}

async function followFromHere(t: TestContext): Promise<Follower> {
  const { manifest } = await takeSnapshot(identity)
  const { epoch, seq, chain } = manifest
  const follower = await follow(identity.port, { after: `${epoch}:${seq}`, chain, keys, issuer })
  t.after(follower.leave)
  return follower
}

async function revokeOne(): Promise<{ readonly epoch: string; readonly seq: number }> {
  const { access } = await signIn(identity)
  return positionOf(await call(identity, 'POST /logout', { token: access }))
}

async function nextWithRecords(follower: Follower): ReturnType<Follower['next']> {
  for (;;) {
    const frame = await follower.next()
    if (frame.records.length > 0) return frame
  }
}

function fingerprint(kind: string, key: string): string {
  const digest = createHash('sha256').update(`${issuer}\0${kind}\0${key}`).digest('hex')
  return digest.slice(0, 16)
}

test('the metadata names the feed, and its keys are not those of the tokens', async () => {
  const metadata = await identity.ask({ path: '/.well-known/oauth-authorization-server' })
  assert.deepEqual(metadata.members()['revocation_feed'], {
    snapshot: `${issuer}/revocations/snapshot`,
    stream: `${issuer}/revocations/stream`,
    keys: `${issuer}/.well-known/revocation-keys.json`,
    positions: `${issuer}/revocations/positions`,
  })
  const signing = await identity.ask({ path: '/.well-known/jwks.json' })
  const { keys: signingKeys } = signing.members() as { keys: { kid: string }[] }
  assert.ok(signingKeys.length > 0)
  for (const { kid } of signingKeys) assert.ok(!keys.has(kid))
  for (const key of keys.values()) assert.ok(!('d' in key))
})

// RFC 8725bis J20: each of the two documents has a type of its own.
test('a snapshot is a signed manifest and the records in force, and the stream goes on from it', async (t) => {
  const revoked = [await revokeOne(), await revokeOne()]
  const { manifest, records } = await takeSnapshot(identity)
  assert.deepEqual([manifest.epoch, manifest.seq], [revoked[1]?.epoch, revoked[1]?.seq])
  assert.deepEqual(
    readRecords(records).map(({ seq }) => seq),
    Array.from({ length: manifest.seq }, (_, at) => at + 1),
  )
  const follower = await followFromHere(t)
  const first = await follower.next()
  assert.deepEqual([first.records, first.checkpoint.chain], [[], manifest.chain])
})

test('what is past its life is left out of the snapshot, and the chain goes on', async (t) => {
  await revokeOne()
  identity.clock.advanceMs(960_000)
  const { seq } = await revokeOne()
  const { manifest, records } = await takeSnapshot(identity)
  assert.deepEqual(
    readRecords(records).map((record) => record.seq),
    [seq],
  )
  assert.equal(manifest.seq, seq)
  const follower = await followFromHere(t)
  await follower.next()
  await revokeOne()
  assert.equal((await nextWithRecords(follower)).checkpoint.seq, seq + 1)
})

test('a revoke is at a follower within milliseconds, in the order of the log', async (t) => {
  const follower = await followFromHere(t)
  await follower.next()
  const delaysMs: number[] = []
  for (let many = 0; many < 10; many += 1) {
    const { access, sessionId } = await signIn(identity)
    const askedAtMs = performance.now()
    const [answer, frame] = await Promise.all([
      call(identity, 'POST /logout', { token: access }),
      nextWithRecords(follower),
    ])
    delaysMs.push(frame.receivedAtMs - askedAtMs)
    const [record, ...others] = frame.records
    assert.deepEqual([others, record?.kind, record?.floor], [[], 1, 0])
    assert.equal(record?.fingerprint, fingerprint('session', sessionId))
    assert.equal(record.seq, positionOf(answer).seq)
    assert.ok(frame.checkpoint.at >= identity.clock.now())
  }
  const worstMs = Math.max(...delaysMs)
  t.diagnostic(`from the request to the follower: at most ${worstMs.toFixed(1)} ms`)
  assert.ok(worstMs < 500)
})

test('theft, a password change and a block each reach a follower as their record', async (t) => {
  const follower = await followFromHere(t)
  await follower.next()
  const stolen = await signIn(identity)
  tokensOf(await refreshWith(identity, stolen.refresh))
  identity.clock.advanceMs(30_000)
  assert.equal((await refreshWith(identity, stolen.refresh)).status, 400)
  const [theft] = (await nextWithRecords(follower)).records
  assert.equal(theft?.fingerprint, fingerprint('session', stolen.sessionId))

  const { access, accountId } = await signInHere(identity, admin)
  const body = { current: admin.password, new: admin.password }
  const changed = tokensOf(await call(identity, 'POST /account/password', { token: access, body }))
  const [change] = (await nextWithRecords(follower)).records
  assert.deepEqual(
    [change?.kind, change?.fingerprint, change?.floor],
    [2, fingerprint('account', accountId), firstBase + 1],
  )
  const route = `POST /admin/accounts/${stolen.accountId}/block`
  const reason = { reason: 'theft' }
  positionOf(await call(identity, route, { token: changed.access, body: reason }))
  const [block] = (await nextWithRecords(follower)).records
  assert.deepEqual(
    [block?.kind, block?.fingerprint, block?.floor],
    [2, fingerprint('account', stolen.accountId), firstBase + 1],
  )
  const unblock = `POST /admin/accounts/${stolen.accountId}/unblock`
  const { status } = await call(identity, unblock, { token: changed.access, body: reason })
  assert.equal(status, 204)
})

test('while nothing happens a checkpoint comes every second, each with its own time', async (t) => {
  const follower = await followFromHere(t)
  let last = await follower.next()
  for (let beats = 0; beats < 3; beats += 1) {
    identity.clock.advanceMs(800)
    const frame = await follower.next()
    assert.deepEqual(frame.records, [])
    assert.ok(frame.receivedAtMs - last.receivedAtMs < 1000)
    assert.ok(frame.checkpoint.at > last.checkpoint.at)
    last = frame
  }
})

test('a follower comes back by its position, by Last-Event-ID, or by both as an EventSource does', async (t) => {
  const { manifest } = await takeSnapshot(identity)
  const { epoch, seq, chain } = manifest
  const old = { after: `${epoch}:${seq}`, chain, keys, issuer }
  await revokeOne()
  const first = await follow(identity.port, old)
  t.after(first.leave)
  const frame = await first.next()
  assert.equal(frame.records.length, 1)
  const newer = { ...old, after: frame.id, chain: frame.checkpoint.chain }
  const back = await follow(identity.port, newer)
  t.after(back.leave)
  assert.deepEqual((await back.next()).records, [])

  // The query it began with, and the event it saw last.
  for (const query of ['', `after=${old.after}`, 'after=nonsense']) {
    const path = `/revocations/stream?${query}`
    const text = await firstFrameOf(path, { 'last-event-id': frame.id })
    assert.match(text, new RegExp(`\nid: ${frame.id}\ndata: {"records":"",`), query)
  }
})

async function firstFrameOf(
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${identity.port}${path}`, { headers })
  assert.equal(response.status, 200)
  let text = ''
  for await (const piece of response.body ?? assert.fail()) {
    text += Buffer.from(piece).toString()
    if (text.includes('\n\n')) break
  }
  return text
}

test('a position of another epoch or beyond the head is 410, and nonsense is 400', async () => {
  const { manifest } = await takeSnapshot(identity)
  const { epoch, seq } = manifest
  const ask = (query: string): ReturnType<RunningIdentity['ask']> =>
    identity.ask({ path: `/revocations/stream${query}` })
  for (const gone of [`${'A'.repeat(22)}:0`, `${epoch}:${seq + 1}`, `${epoch}:999999999999999`]) {
    assertProblem(await ask(`?after=${gone}`), 410, 'position-gone')
  }
  const nonsense = ['', '?after=', '?after=0', `?after=${epoch}`, `?after=${epoch}:-1`]
  nonsense.push(`?after=${epoch}:01`, `?after=${epoch}:0&after=${epoch}:0`, `?after=${epoch}:1e3`)
  for (const query of nonsense) assertProblem(await ask(query), 400, 'malformed')
})

test('a HEAD request of the stream is answered and holds no connection', async () => {
  const { manifest } = await takeSnapshot(identity)
  const path = `/revocations/stream?after=${manifest.epoch}:${manifest.seq}`
  const answer = await identity.ask({ method: 'HEAD', path })
  assert.equal(answer.status, 405)
})

test('after a restart the same epoch goes on, for a follower that was away meanwhile', async (t) => {
  const before = await startRunningIdentity({ file: { issuer } })
  const { manifest } = await takeSnapshot(before, await fetchFeedKeys(before))
  const { epoch, seq, chain } = manifest
  assert.equal(chain, chainBefore(epoch))
  const { access } = await signIn(before)
  positionOf(await call(before, 'POST /logout', { token: access }))
  const restarted = await before.restart()
  t.after(restarted.close)
  const follower = await follow(restarted.port, {
    after: `${epoch}:${seq}`,
    chain,
    keys: await fetchFeedKeys(restarted),
    issuer,
  })
  t.after(follower.leave)
  assert.equal((await follower.next()).records.length, 1)
})
