import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createKeySetParser } from '../src/issuer/key-set.ts'
import { createKeySource } from '../src/issuer/key-source.ts'
import { generateTestKey } from '../src/testing/test-key.ts'
import { processTimers } from '../src/timers.ts'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'
import { refusalOf } from './issuer-bench.ts'
import { waitUntil } from './wait-until.ts'

interface Bench {
  readonly clock: Clock
  readonly issuer: TestIssuer
  readonly path: string
  /** A service that starts now, and knows what the file tells it. */
  readonly start: () => Verifier
}

async function startBench(context: TestContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-keys-'))
  context.after(() => rm(folder, { recursive: true, maxRetries: 5 }))
  const path = join(folder, 'keys.json')
  const clock = createClock()
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', now: clock.now, maxAgeSeconds: 10 })
  context.after(issuer.close)
  const start = (): Verifier =>
    createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      revocation: 'untilExpiry',
      now: clock.now,
      keySetFile: path,
    })
  return { clock, issuer, path, start }
}

interface Kept {
  readonly issuer: string
  readonly fetchedAt: number
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

async function readKept(path: string): Promise<Kept> {
  return JSON.parse(await readFile(path, 'utf8')) as Kept
}

/** Runs a service until its keys are in the file. */
async function leaveFile({ start, path, clock }: Bench): Promise<void> {
  await start().ready()
  await untilKept(path, clock.now())
}

async function untilKept(path: string, fetchedAt: number): Promise<void> {
  let keptAt: number | undefined
  await waitUntil(() => {
    void readKept(path).then(
      (kept) => (keptAt = kept.fetchedAt),
      () => undefined,
    )
    return keptAt === fetchedAt
  }, 'the file')
}

test('a service that starts while the issuer is down has the keys of its earlier life', async (context) => {
  const bench = await startBench(context)
  const { clock, issuer, start } = bench
  await leaveFile(bench)
  for (const outage of ['error', 'drop', 'hang'] as const) {
    issuer.goDown(outage)
    const restarted = start()
    await restarted.ready()
    await restarted.verify(issuer.mint())
    const unknown = await refusalOf(restarted, issuer.mint({}, { kid: 'another' }))
    assert.equal(unknown.code, 'keys-unavailable')
  }
  issuer.goDown('drop')
  clock.advanceSeconds(899.999)
  const restarted = start()
  await restarted.verify(issuer.mint())
  clock.advanceSeconds(0.001)
  assert.equal((await refusalOf(restarted, issuer.mint())).status, 503)
  assert.equal((await refusalOf(start(), issuer.mint())).status, 503)
})

test('while the issuer is up its word counts, and not the file', async (context) => {
  const bench = await startBench(context)
  const { issuer, start } = bench
  await leaveFile(bench)
  const { kid } = issuer
  const stolen = issuer.mint()
  issuer.rotate()
  issuer.withdraw(kid)
  const restarted = start()
  assert.equal((await refusalOf(restarted, stolen)).reason, 'unknown-key')
  await restarted.verify(issuer.mint())
})

test('a key of the file that the feed does not list is withdrawn', async (context) => {
  const bench = await startBench(context)
  const { clock, issuer, path } = bench
  await leaveFile(bench)
  const stolen = issuer.mint({ sub: 'c07c2b0f6a1e', sid: undefined, gen: undefined })
  const { kid } = issuer
  issuer.rotate()
  issuer.withdraw(kid)
  const following = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    now: clock.now,
    keySetFile: path,
    fetch: (url, init) =>
      url.endsWith('/jwks.json') ? Promise.reject(new TypeError('down')) : fetch(url, init),
  })
  context.after(following.close)
  await following.ready()
  assert.equal((await refusalOf(following, stolen)).reason, 'key-withdrawn')
})

test('the file holds public keys and is for its owner alone', async (context) => {
  const bench = await startBench(context)
  await leaveFile(bench)
  const kept = await readKept(bench.path)
  assert.equal(kept.issuer, bench.issuer.issuer)
  assert.equal(kept.keys.length, 1)
  for (const key of kept.keys) {
    assert.deepEqual(Object.keys(key).toSorted(), ['alg', 'crv', 'kid', 'kty', 'x'])
  }
  assert.equal((await stat(bench.path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(join(bench.path, '..')), ['keys.json'])
})

test('a new set is kept at once, and one that stays is dated anew once a minute', async (context) => {
  const bench = await startBench(context)
  const { clock, issuer, path, start } = bench
  const verifier = start()
  await verifier.ready()
  const firstAt = clock.now()
  await untilKept(path, firstAt)
  clock.advanceSeconds(10)
  await verifier.verify(issuer.mint())
  issuer.rotate()
  await verifier.verify(issuer.mint())
  assert.equal(issuer.requests.jwks, 3)
  await untilKept(path, clock.now())
  assert.equal((await readKept(path)).keys.length, 2)
  assert.ok(firstAt < clock.now())
  for (let seconds = 0; seconds < 60; seconds += 10) {
    clock.advanceSeconds(10)
    await verifier.verify(issuer.mint())
  }
  await untilKept(path, clock.now())
})

const files: readonly (readonly [string, (kept: Kept, clock: Clock) => unknown, boolean])[] = [
  ['as it was left', (kept) => kept, true],
  ['of another issuer', (kept) => ({ ...kept, issuer: 'https://id.example' }), false],
  ['from the future', (kept) => ({ ...kept, fetchedAt: kept.fetchedAt + 1 }), false],
  ['of 15 minutes ago', (kept) => ({ ...kept, fetchedAt: kept.fetchedAt - 900_000 }), false],
  ['from no time', (kept) => ({ ...kept, fetchedAt: undefined }), false],
  ['from an endless time', (kept) => JSON.stringify(kept).replace(/\d{13}/, '-1e999'), false],
  ['without keys', (kept) => ({ ...kept, keys: [] }), false],
  [
    'with 33 entries',
    (kept) => ({ ...kept, keys: [...kept.keys, ...Array.from({ length: 32 }, () => ({}))] }),
    false,
  ],
  ['with a private key', (kept) => ({ ...kept, keys: [{ ...kept.keys[0], d: 'AQAB' }] }), false],
  ['of 64 KiB and more', (kept) => ({ ...kept, note: 'x'.repeat(65_536) }), false],
  ['cut off', (kept) => JSON.stringify(kept).slice(0, -5), false],
  ['that is empty', () => '', false],
]

for (const [name, change, isUsed] of files) {
  test(`a file ${name} is ${isUsed ? 'used' : 'ignored'}`, async (context) => {
    const bench = await startBench(context)
    const { clock, issuer, path, start } = bench
    await leaveFile(bench)
    const changed = change(await readKept(path), clock)
    await writeFile(path, typeof changed === 'string' ? changed : JSON.stringify(changed))
    issuer.goDown('drop')
    const verifier = start()
    if (isUsed) return void (await verifier.verify(issuer.mint()))
    assert.equal((await refusalOf(verifier, issuer.mint())).code, 'keys-unavailable')
    issuer.comeBack()
    clock.advanceSeconds(1)
    await verifier.verify(issuer.mint())
  })
}

test('a file that others may write is ignored', async (context) => {
  const bench = await startBench(context)
  await leaveFile(bench)
  await chmod(bench.path, 0o620)
  bench.issuer.goDown('drop')
  assert.equal((await refusalOf(bench.start(), bench.issuer.mint())).code, 'keys-unavailable')
})

test('what is no regular file is not waited for', async (context) => {
  const { issuer, path, start } = await startBench(context)
  execFileSync('mkfifo', ['-m', '600', path])
  const warned = once(process, 'warning')
  const verifier = start()
  assert.match(String((await warned)[0]), /is not used: it is no file$/)
  await verifier.verify(issuer.mint())
})

test('a key of the file is the same object after the first fetch, whatever its entry looks like', async () => {
  const clock = createClock()
  const { jwk } = generateTestKey('EdDSA')
  const other = generateTestKey('EdDSA').jwk
  const kept = createKeySetParser()({ keys: [jwk, other] })
  const { alg: _alg, ...withoutAlg } = jwk
  const reversed = Object.fromEntries(Object.entries(jwk).toReversed())
  const stranger = { ...other, x: generateTestKey('EdDSA').jwk['x'] }
  const documents = [reversed, withoutAlg, { ...jwk, x5t: 'a' }, jwk].map((entry) => ({
    keys: [stranger, entry],
  }))
  const parse = createKeySetParser()
  assert.ok(kept)
  const source = createKeySource({
    timers: processTimers,
    now: clock.now,
    fetchKeySet: async () => {
      const keys = parse(documents.shift() ?? {})
      return keys === undefined
        ? { kind: 'failed', why: 'no key set' }
        : { kind: 'key-set', keys, maxAgeSeconds: 10 }
    },
    file: { read: () => ({ keys: kept, ageMs: 0 }), keeping: (fetchKeySet) => fetchKeySet },
  })
  const heldFirst = kept.get(jwk.kid)
  const strangers = new Set()
  for (let left = documents.length; left > 0; left -= 1) {
    clock.advanceSeconds(20)
    const found = await source.find(jwk.kid)
    assert.equal(documents.length, left - 1, 'it was fetched')
    assert.ok(found.kind === 'key' && found.key === heldFirst)
    strangers.add(source.held(other.kid))
  }
  assert.equal(strangers.size, 1)
  assert.equal(strangers.has(kept.get(other.kid)), false, 'the same kid with other material')
})

test('a file that cannot be written fails no request, and is told once', async (context) => {
  const { clock, issuer, path, start } = await startBench(context)
  const warnings: Error[] = []
  const listen = (warning: Error): number => warnings.push(warning)
  process.on('warning', listen)
  context.after(() => process.off('warning', listen))
  // What stands in its place cannot be read, and cannot be replaced either.
  await mkdir(path)
  const verifier = start()
  for (let count = 0; count < 3; count += 1) {
    issuer.rotate()
    await verifier.verify(issuer.mint())
    clock.advanceSeconds(10)
    await waitUntil(() => warnings.length >= 2, 'the warnings')
  }
  await verifier.ready()
  assert.equal(warnings.length, 2)
  assert.match(String(warnings[0]), /the key set file .*keys\.json is not used: it is no file/)
  assert.match(String(warnings[1]), /the key set file .*keys\.json cannot be written: E[A-Z]+/)
  for (const warning of warnings) {
    assert.equal('code' in warning && warning.code, 'PORTCULLIS_KEY_SET_FILE')
  }
  let left: readonly string[] = []
  await waitUntil(() => {
    void readdir(join(path, '..')).then((names) => (left = names))
    return left.join() === 'keys.json'
  }, 'nothing is left behind')
})
