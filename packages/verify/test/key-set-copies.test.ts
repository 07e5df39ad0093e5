import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { wireVerifier } from '../src/issuer-verifier.ts'
import { createIssuerDocuments } from '../src/issuer/documents.ts'
import type { Fetch } from '../src/issuer/http-json.ts'
import { parseOptions } from '../src/options.ts'
import { createStateFile } from '../src/revocation/state-file.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import type { VirtualTime } from './virtual-time.ts'
import { createVirtualTime } from './virtual-time.ts'
import { waitUntil } from './wait-until.ts'

const beginsAt = Date.UTC(2026, 5, 1, 12)

interface Bench {
  readonly issuer: ScriptedIssuer
  readonly time: VirtualTime
  readonly verifier: Verifier
  readonly now: () => number
  /** The fate of a token that its holder has minted just now. */
  readonly fate: () => Promise<string>
  readonly loseFeed: () => void
}

async function startBench(t: TestContext, revocation?: 'untilExpiry'): Promise<Bench> {
  const time = createVirtualTime(1)
  const now = (): number => beginsAt + time.now()
  const issuer = scriptIssuer(t, { now })
  const { fetch } = issuer
  const settings = parseOptions({
    issuer: issuer.issuer,
    audience: 'orders',
    now,
    fetch,
    ...(revocation && { revocation }),
  })
  const verifier = wireVerifier(settings, {
    timers: time.timers,
    documentsOf: createIssuerDocuments,
    stateFileOf: createStateFile,
  })
  const after = async <Result>(work: Promise<Result>): Promise<Result> => {
    await time.passUntil(time.now() + 1_500)
    return work
  }
  await after(verifier.ready())
  return {
    issuer,
    time,
    verifier,
    now,
    fate: () =>
      after(
        verifier.verify(issuer.mint()).then(
          () => 'accepted',
          (error: unknown) =>
            error instanceof VerifyError ? (error.reason ?? error.code) : String(error),
        ),
      ),
    loseFeed: () => {
      for (const path of [paths.stream, paths.snapshot]) {
        issuer.answer(path, () => new Response(null, { status: 502 }))
      }
      issuer.send('event: records\ndata: {}\n\n')
    },
  }
}

/** How a cache tells that its answer is not of today; each of them is enough. */
const copies: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['an Age and the Date of then', { age: '90000', date: dateAt(beginsAt - 90_000_000) }],
  ['an Age alone', { age: '90000' }],
  ['the Date of then alone', { date: dateAt(beginsAt - 90_000_000) }],
]

function dateAt(atMs: number): string {
  return new Date(atMs).toUTCString()
}

for (const [what, headers] of copies) {
  test(`a copy of the key set with ${what} prolongs no key's life while the feed is lost`, async (t) => {
    const { issuer, time, fate, loseFeed } = await startBench(t)
    const body = issuer.keys.keySetText()
    loseFeed()
    issuer.answer(
      paths.jwks,
      () =>
        new Response(body, {
          headers: { 'cache-control': 'public, max-age=300', ...headers },
        }),
    )
    await time.passUntil(890_000)
    assert.equal(await fate(), 'accepted')
    await time.passUntil(902_000)
    assert.equal(await fate(), 'keys-unavailable')
    await time.passUntil(7_200_000)
    assert.equal(await fate(), 'keys-unavailable')
    assert.ok(issuer.asked(paths.jwks) > 3)
    issuer.answer(paths.jwks, undefined)
    await time.passUntil(7_240_000)
    assert.equal(await fate(), 'accepted', 'the issuer itself says that it lives')
  })
}

test('a copy that is ten minutes old gives a key five minutes more', async (t) => {
  const { issuer, time, fate, loseFeed, now } = await startBench(t)
  const body = issuer.keys.keySetText()
  loseFeed()
  await time.passUntil(700_000)
  const madeAtMs = now() - 100_000
  issuer.answer(
    paths.jwks,
    () =>
      new Response(body, {
        headers: { age: String(Math.floor((now() - madeAtMs) / 1000)), date: dateAt(madeAtMs) },
      }),
  )
  await time.passUntil(1_490_000)
  assert.equal(await fate(), 'accepted')
  await time.passUntil(1_502_000)
  assert.equal(await fate(), 'keys-unavailable')
})

test('a service that starts with an old copy uses what a checkpoint lists of it, and the keys of the feed are held to the same', async (t) => {
  const time = createVirtualTime(1)
  const now = (): number => beginsAt + time.now()
  const issuer = scriptIssuer(t, { now })
  const old = { headers: { age: '90000' } }
  issuer.answer(paths.jwks, () => new Response(issuer.keys.keySetText(), old))
  const verifier = issuer.verifier()
  await assert.rejects(verifier.ready(), { code: 'keys-unavailable' })
  const token = issuer.mint()
  const until = async (fate: string): Promise<void> => {
    for (let tries = 0; tries < 100; tries += 1) {
      issuer.send(issuer.feed.eventAfter(issuer.feed.position().seq))
      await time.passUntil(time.now() + 20)
      const found = await verifier.verify(token).then(
        () => 'accepted',
        (error: unknown) => (error instanceof VerifyError ? error.code : String(error)),
      )
      if (found === fate) return
      await new Promise((resolve) => void setTimeout(resolve, 20))
    }
    assert.fail(`it never was ${fate}`)
  }
  await until('accepted')

  const other = scriptIssuer(t, { now })
  other.answer(paths.keys, () => new Response(other.feed.keySetText(), old))
  await assert.rejects(other.verifier().ready(), {
    code: 'feed-unavailable',
    message: /copy from 90000 s ago/,
  })
})

test('an issuer without a feed decides how long its key set may lie in a cache, and no longer', async (t) => {
  for (const [age, expected] of [
    ['5000', 'accepted'],
    ['22000', 'keys-unavailable'],
  ] as const) {
    const { issuer, time, fate } = await startBench(t, 'untilExpiry')
    const body = issuer.keys.keySetText()
    issuer.answer(
      paths.jwks,
      () => new Response(body, { headers: { age, 'cache-control': 'public, max-age=21600' } }),
    )
    await time.passUntil(2_000_000)
    await fate()
    assert.equal(await fate(), expected, age)
  }
})

test('every document and the feed are asked for as the issuer has them now', async (t) => {
  const asked: string[] = []
  const issuer = scriptIssuer(t)
  const fetch: Fetch = async (url, init) => {
    assert.equal(new Headers(init.headers).get('cache-control'), 'no-cache', url)
    asked.push(new URL(url).pathname)
    return issuer.fetch(url, init)
  }
  await issuer.follow({ fetch })
  for (const path of [paths.metadata, paths.jwks, paths.keys, paths.snapshot, paths.stream]) {
    assert.ok(asked.includes(path), path)
  }
})

test('a copy that is kept on disk is as old there as it was when it came', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-copies-'))
  t.after(() => rm(folder, { recursive: true, maxRetries: 5 }))
  const path = join(folder, 'keys.json')
  const issuer = scriptIssuer(t, { now: () => beginsAt })
  issuer.answer(
    paths.jwks,
    () => new Response(issuer.keys.keySetText(), { headers: { age: '600' } }),
  )
  await issuer.follow({ keySetFile: path })
  let kept = ''
  await waitUntil(() => {
    readFile(path, 'utf8').then(
      (text) => (kept = text),
      () => undefined,
    )
    return kept !== ''
  }, 'the file')
  assert.equal((JSON.parse(kept) as { fetchedAt: number }).fetchedAt, beginsAt - 600_000)
})
