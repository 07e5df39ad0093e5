import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { firstChain } from '@portcullis/protocol/revocations'
import type { Fetch, Verifier, VerifierOptions, VerifierWarning } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'
import { waitUntil } from './wait-until.ts'

const revokedSid = 'R'.repeat(22)
const otherSid = 'S'.repeat(22)

interface Bench {
  readonly clock: Clock
  readonly issuer: TestIssuer
  readonly folder: string
  readonly path: string
  readonly warnings: VerifierWarning[]
  /** A service that starts now, and knows what its files tell it. */
  readonly start: (options?: Partial<VerifierOptions>) => Verifier
}

async function startBench(t: TestContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-state-'))
  t.after(() => rm(folder, { recursive: true, maxRetries: 5 }))
  const path = join(folder, 'revocations')
  const clock = createClock()
  const { now } = clock
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', now, feed: { checkpointMs: 20 } })
  t.after(issuer.close)
  const warnings: VerifierWarning[] = []
  const start: Bench['start'] = (options = {}) => {
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      now,
      keySetFile: join(folder, 'keys.json'),
      revocation: { stateFile: path },
      onWarning: (warning) => warnings.push(warning),
      ...options,
    })
    t.after(verifier.close)
    return verifier
  }
  return { clock, issuer, folder, path, warnings, start }
}

/** A service that has applied everything, and ends in order. */
async function liveOnce({ start, issuer, clock }: Bench): Promise<void> {
  const verifier = start()
  await verifier.ready()
  await untilApplied(verifier, issuer.revoke({ sid: revokedSid }))
  await untilVouched(verifier, clock)
  await verifier.close()
}

/** Until everything up to this moment is known, lists of keys too. */
async function untilVouched(verifier: Verifier, clock: Clock): Promise<void> {
  await waitUntil(() => {
    const health = verifier.revocation()
    return health.followed && health.checkpointAt === clock.now()
  }, 'the checkpoint of this moment')
}

async function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => {
      assert.ok(error instanceof VerifyError, String(error))
      return error.reason ?? error.code
    },
  )
}

function oldToken({ issuer, clock }: Bench, sid = otherSid): string {
  return issuer.mint({ sid, iat: clock.now() / 1000 - 60 })
}

test('a service that starts while the issuer is down refuses what its earlier life knew, and takes nothing for fresh', async (t) => {
  const bench = await startBench(t)
  const { issuer, start } = bench
  await liveOnce(bench)
  const later = issuer.mint({ sid: 'T'.repeat(22) })
  for (const outage of ['drop', 'error'] as const) {
    issuer.goDown(outage)
    const restarted = start()
    assert.equal(await fateOf(restarted, issuer.mint({ sid: revokedSid })), 'revoked')
    assert.equal(await fateOf(restarted, later), 'accepted', 'minted just now')
    assert.equal(
      await fateOf(restarted, oldToken(bench)),
      'stale',
      'its checkpoint is of a past life',
    )
    const health = restarted.revocation()
    assert.ok(health.followed && !health.isFresh && health.records === 1 && health.seq === 1)
    await assert.rejects(restarted.ready(), { status: 503 })
    assert.equal(await fateOf(restarted, issuer.mint({ sid: revokedSid })), 'revoked')
  }
  const without = start({ revocation: {} })
  const unknown = issuer.mint({ sid: revokedSid })
  assert.equal(await fateOf(without, unknown), 'accepted', 'without the file nobody knows')
})

test('a restart goes on by the stream, and asks for no snapshot', async (t) => {
  const bench = await startBench(t)
  const { issuer, start } = bench
  await liveOnce(bench)
  const whileOff = 'W'.repeat(22)
  issuer.revoke({ sid: whileOff })
  const { snapshot } = issuer.feedRequests
  const restarted = start()
  await restarted.ready()
  assert.equal(await fateOf(restarted, oldToken(bench, revokedSid)), 'revoked')
  assert.equal(await fateOf(restarted, oldToken(bench, whileOff)), 'revoked')
  assert.equal(await fateOf(restarted, oldToken(bench)), 'accepted')
  const position = issuer.revoke({ sid: otherSid })
  await untilApplied(restarted, position)
  assert.equal(await fateOf(restarted, oldToken(bench)), 'revoked')
  assert.equal(issuer.feedRequests.snapshot, snapshot)
})

test('where the place in the log is gone there is a snapshot, joined with what was kept', async (t) => {
  const bench = await startBench(t)
  const { issuer, start } = bench
  await liveOnce(bench)
  issuer.startEpoch()
  const { snapshot } = issuer.feedRequests
  const restarted = start()
  await restarted.ready()
  assert.equal(issuer.feedRequests.snapshot, snapshot + 1)
  assert.equal(await fateOf(restarted, oldToken(bench, revokedSid)), 'revoked')
  assert.equal(await fateOf(restarted, oldToken(bench)), 'accepted')
})

for (const how of ['by a list of keys', 'by a record'] as const) {
  test(`a key that was withdrawn ${how} stays withdrawn, although a copy of the key set has it`, async (t) => {
    const bench = await startBench(t)
    const { clock, issuer, folder, start } = bench
    const verifier = start()
    await verifier.ready()
    const keySet = await waitForFile(join(folder, 'keys.json'))
    const { kid } = issuer
    const stolen = (): string => issuer.mint({}, { kid })
    const token = stolen()
    issuer.rotate()
    if (how === 'by a record') await untilApplied(verifier, issuer.revoke({ kid }))
    else issuer.withdraw(kid)
    clock.advanceSeconds(1)
    await untilVouched(verifier, clock)
    await verifier.close()
    await writeFile(join(folder, 'keys.json'), keySet, { mode: 0o600 })
    issuer.goDown('drop')
    assert.equal(await fateOf(start(), token), 'key-withdrawn')
    assert.equal(await fateOf(start({ revocation: {} }), token), 'accepted', 'the copy has it')
  })
}

async function waitForFile(path: string): Promise<Buffer> {
  let found: Buffer | undefined
  await waitUntil(() => {
    void readFile(path).then(
      (bytes) => (found = bytes),
      () => undefined,
    )
    return found !== undefined
  }, path)
  assert.ok(found)
  return found
}

test('whoever sets the clock back while the service is off makes nothing of the file fresh', async (t) => {
  const bench = await startBench(t)
  const { clock, start } = bench
  await liveOnce(bench)
  const old = oldToken(bench)
  for (const seconds of [0, -20, -3_600]) {
    clock.advanceSeconds(seconds)
    const restarted = start({ fetch: onlyKeys })
    assert.match(await fateOf(restarted, old), /^(?:stale|not-yet-valid)$/, `${seconds} s`)
  }
})

/** The keys can be had, and the feed cannot. */
const onlyKeys: Fetch = (url, init) => {
  if (/jwks|oauth/.test(url)) return fetch(url, init)
  return Promise.reject(new TypeError('fetch failed'))
}

/** Nobody says when the issuer has published them, so they may be a copy. */
const undatedKeys: Fetch = async (url, init) => {
  const { body, status } = await onlyKeys(url, init)
  return new Response(body, { status })
}

test('a list of keys that is older than any key may be used withdraws none that it cannot know', async (t) => {
  const bench = await startBench(t)
  const { clock, issuer, start } = bench
  await liveOnce(bench)
  // Twice: the first new key was listed already, before it signed.
  issuer.rotate()
  issuer.rotate()
  clock.advanceSeconds(899)
  assert.equal(await fateOf(start({ fetch: undatedKeys }), issuer.mint()), 'key-withdrawn')
  assert.equal(await fateOf(start({ fetch: onlyKeys }), issuer.mint()), 'accepted', 'newer keys')
  clock.advanceSeconds(1)
  const restarted = start({ fetch: undatedKeys })
  assert.equal(await fateOf(restarted, issuer.mint()), 'accepted')
  assert.equal(await fateOf(restarted, issuer.mint({ sid: revokedSid })), 'revoked')
})

test('a file from an old copy is made up for by the stream', async (t) => {
  const bench = await startBench(t)
  const { issuer, path, start } = bench
  await liveOnce(bench)
  const oldCopy = await readFile(path)
  const verifier = start()
  await verifier.ready()
  await untilApplied(verifier, issuer.revoke({ sid: otherSid }))
  await verifier.close()
  assert.notDeepEqual(await readFile(path), oldCopy)
  await writeFile(path, oldCopy)
  const restarted = start()
  await restarted.ready()
  assert.equal(await fateOf(restarted, oldToken(bench)), 'revoked')
  assert.equal(await fateOf(restarted, oldToken(bench, revokedSid)), 'revoked')
  assert.equal(await fateOf(restarted, oldToken(bench, 'T'.repeat(22))), 'accepted')
})

/** The file with another head, and with the digest that fits. */
function withHead(bytes: Buffer, change: (head: Record<string, unknown>) => object): Buffer {
  const end = bytes.indexOf(10)
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as Record<string, unknown>
  const content = Buffer.concat([
    Buffer.from(`${JSON.stringify(change(head))}\n`),
    bytes.subarray(end + 1, -32),
  ])
  return Buffer.concat([content, createHash('sha256').update(content).digest()])
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  const place = at < 0 ? copy.length + at : at
  copy[place] = (copy[place] ?? 0) ^ 1
  return copy
}

const files: readonly (readonly [string, (bytes: Buffer) => Buffer, RegExp | undefined])[] = [
  ['as it was left', (bytes) => bytes, undefined],
  [
    'of another issuer',
    (bytes) => withHead(bytes, (head) => ({ ...head, iss: 'x' })),
    /of another issuer$/,
  ],
  [
    'of another version',
    (bytes) => withHead(bytes, (head) => ({ ...head, version: 2 })),
    /of another version$/,
  ],
  [
    'without a chain',
    (bytes) => withHead(bytes, (head) => ({ ...head, chain: 0 })),
    /it is damaged$/,
  ],
  ['with an altered head', (bytes) => flipped(bytes, 20), /it is damaged$/],
  ['with an altered record', (bytes) => flipped(bytes, -40), /it is damaged$/],
  ['with an altered digest', (bytes) => flipped(bytes, -1), /it is damaged$/],
  ['cut off', (bytes) => bytes.subarray(0, -33), /it is damaged$/],
  ['with more behind it', (bytes) => Buffer.concat([bytes, bytes]), /it is damaged$/],
  ['without a line', () => Buffer.alloc(5_000, 'x'), /it is damaged$/],
  ['that is empty', () => Buffer.alloc(0), /it is damaged$/],
]
for (const [name, change, warning] of files) {
  test(`a state file ${name} is ${warning === undefined ? 'used' : 'ignored and told, and does no harm'}`, async (t) => {
    const bench = await startBench(t)
    const { issuer, path, start, warnings } = bench
    await liveOnce(bench)
    assert.deepEqual(warnings, [])
    await writeFile(path, change(await readFile(path)))
    issuer.goDown('drop')
    const token = issuer.mint({ sid: revokedSid })
    const isUsed = warning === undefined
    assert.equal(await fateOf(start(), token), isUsed ? 'revoked' : 'accepted')
    issuer.comeBack()
    const restarted = start()
    await restarted.ready()
    assert.equal(await fateOf(restarted, token), 'revoked')
    assert.equal(await fateOf(restarted, oldToken(bench)), 'accepted')
    await restarted.close()
    if (isUsed) return assert.deepEqual(warnings, [])
    assert.ok(warnings.length > 0)
    for (const { code, message } of warnings) {
      assert.equal(code, 'PORTCULLIS_STATE_FILE')
      assert.match(message, /^the state file .*revocations is not used/)
      assert.match(message, warning)
    }
    // It is replaced by what is known now.
    issuer.goDown('drop')
    assert.equal(await fateOf(start(), token), 'revoked')
  })
}

const places: readonly (readonly [string, (head: Record<string, unknown>) => object])[] = [
  ['with another chain', (head) => ({ ...head, chain: firstChain('x') })],
  ['ahead of the log', (head) => ({ ...head, seq: 7 })],
  ['of an epoch that never was', (head) => ({ ...head, epoch: 'E'.repeat(22) })],
]
for (const [name, change] of places) {
  test(`a place in the log ${name} is not gone on from: a snapshot tells the truth`, async (t) => {
    const bench = await startBench(t)
    const { clock, issuer, path, start } = bench
    await liveOnce(bench)
    await writeFile(path, withHead(await readFile(path), change))
    clock.advanceSeconds(1)
    issuer.revoke({ sid: otherSid })
    const { snapshot } = issuer.feedRequests
    const restarted = start()
    await restarted.ready()
    assert.equal(issuer.feedRequests.snapshot, snapshot + 1)
    assert.equal(await fateOf(restarted, oldToken(bench)), 'revoked')
    assert.equal(await fateOf(restarted, oldToken(bench, 'T'.repeat(22))), 'accepted')
  })
}

test('a file that others may write, and what is no file, are ignored', async (t) => {
  const bench = await startBench(t)
  const { issuer, path, start } = bench
  await liveOnce(bench)
  await chmod(path, 0o620)
  issuer.goDown('drop')
  const token = issuer.mint({ sid: revokedSid })
  assert.equal(await fateOf(start(), token), 'accepted')
  await rm(path)
  execFileSync('mkfifo', ['-m', '600', path])
  assert.equal(await fateOf(start(), token), 'accepted')
})

test('the file is for its owner alone, and nothing else is left in the folder', async (t) => {
  const bench = await startBench(t)
  await liveOnce(bench)
  assert.equal((await stat(bench.path)).mode & 0o777, 0o600)
  const text = await readFile(bench.path, 'latin1')
  assert.ok(!text.includes(revokedSid), 'fingerprints only')
  assert.deepEqual((await readdir(bench.folder)).toSorted(), ['keys.json', 'revocations'])
})

test('what a process that was killed has left is cleared away, and what another one writes is not', async (t) => {
  const bench = await startBench(t)
  const { clock, folder, path } = bench
  const nowSeconds = clock.now() / 1000
  const left = `${path}.${randomUUID()}`
  const others = [`${path}.${randomUUID()}`, `${path}.backup`, join(folder, `x.${randomUUID()}`)]
  for (const name of [left, ...others]) await writeFile(name, 'x')
  for (const name of [left, ...others.slice(1)])
    await utimes(name, nowSeconds - 601, nowSeconds - 601)
  await utimes(others[0] ?? '', nowSeconds - 599, nowSeconds - 599)
  await liveOnce(bench)
  const names = (await readdir(folder)).map((name) => join(folder, name))
  assert.deepEqual(names.toSorted(), [...others, path, join(folder, 'keys.json')].toSorted())
})

test('a folder that cannot be written stops nothing, and is told once', async (t) => {
  const { issuer, folder, start, warnings } = await startBench(t)
  const stateFile = join(folder, 'missing', 'revocations')
  const verifier = start({ revocation: { stateFile } })
  await verifier.ready()
  await waitUntil(() => warnings.length > 0, 'the warning')
  await untilApplied(verifier, issuer.revoke({ sid: revokedSid }))
  assert.equal(await fateOf(verifier, issuer.mint({ sid: revokedSid })), 'revoked')
  await verifier.close()
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]?.message ?? '', /cannot be written: ENOENT/)
})
