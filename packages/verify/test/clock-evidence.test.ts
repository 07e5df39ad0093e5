import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { wireVerifier } from '../src/issuer-verifier.ts'
import { createIssuerDocuments } from '../src/issuer/documents.ts'
import { parseOptions } from '../src/options.ts'
import { createStateFile } from '../src/revocation/state-file.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import type { VirtualTime } from './virtual-time.ts'
import { createVirtualTime } from './virtual-time.ts'

const beginsAt = Date.UTC(2026, 5, 1, 12)

interface Bench {
  readonly issuer: ScriptedIssuer
  readonly time: VirtualTime
  readonly verifier: Verifier
  /** By the clock of the issuer. */
  readonly now: () => number
  /** What a token is answered that was minted so long ago. */
  readonly fate: (secondsAgo: number) => Promise<string>
  readonly loseFeed: () => void
}

/** A service whose clock is that much ahead of its issuer's, or behind. No answer is dated. */
async function startBench(t: TestContext, aheadMs = 0): Promise<Bench> {
  const time = createVirtualTime(1)
  const now = (): number => beginsAt + time.now()
  const issuer = scriptIssuer(t, { now })
  const { fetch } = issuer
  issuer.answer(paths.jwks, () => new Response(issuer.keys.keySetText()))
  const settings = parseOptions({
    issuer: issuer.issuer,
    audience: 'orders',
    now: () => now() + aheadMs,
    fetch,
    onWarning: () => undefined,
  })
  const verifier = wireVerifier(settings, {
    timers: time.timers,
    documentsOf: createIssuerDocuments,
    stateFileOf: createStateFile,
  })
  const ready = verifier.ready().catch(() => undefined)
  await time.passUntil(1_000)
  await ready
  return {
    issuer,
    time,
    verifier,
    now,
    fate: (secondsAgo) => {
      const iat = Math.floor(now() / 1000) - secondsAgo
      return verifier.verify(issuer.mint({ iat, exp: iat + 900 })).then(
        () => 'accepted',
        (error: unknown) =>
          error instanceof VerifyError ? (error.reason ?? error.code) : String(error),
      )
    },
    loseFeed: () => {
      issuer.answer(paths.stream, () => new Response(null, { status: 502 }))
      issuer.answer(paths.snapshot, () => new Response(null, { status: 502 }))
      issuer.send('event: records\ndata: {}\n\n')
    },
  }
}

function dateAt(atMs: number): Readonly<Record<string, string>> {
  return { date: new Date(atMs).toUTCString() }
}

/** What may come with an old snapshot, without any clock being wrong. */
const playedBack: readonly (readonly [
  string,
  (nowMs: number) => Readonly<Record<string, string>>,
])[] = [
  ['by a relay', (nowMs) => dateAt(nowMs)],
  ['by who says no time', () => ({})],
  [
    'out of a cache',
    (nowMs) => ({ age: String(Math.floor((nowMs - beginsAt) / 1000)), ...dateAt(beginsAt) }),
  ],
]
for (const [what, headersAt] of playedBack) {
  test(`an old snapshot that is played back ${what} is no evidence about clocks: a token is stale`, async (t) => {
    const { issuer, time, fate, now, loseFeed } = await startBench(t)
    const old = new Uint8Array(issuer.feed.snapshot())
    assert.equal(await fate(60), 'accepted')
    loseFeed()
    let answered = 0
    issuer.answer(paths.snapshot, () => {
      answered += 1
      return new Response(old, { headers: headersAt(now()) })
    })
    await time.passUntil(60_000)
    assert.ok(answered > 1)
    assert.equal(await fate(45), 'stale')
    assert.equal(await fate(1), 'accepted')
  })
}

test('an issuer whose clock is behind in what it signs and in what it dates is answered with 503, until it says otherwise', async (t) => {
  const { issuer, time, fate, now, loseFeed } = await startBench(t, 60_000)
  const answer = (): void =>
    issuer.answer(
      paths.snapshot,
      () => new Response(new Uint8Array(issuer.feed.snapshot()), { headers: dateAt(now()) }),
    )
  answer()
  await time.passUntil(20_000)
  assert.equal(await fate(1), 'clocks-disagree')
  loseFeed()
  await time.passUntil(40_000)
  assert.equal(await fate(1), 'stale', 'nothing shows it any more')
  answer()
  await time.passUntil(60_000)
  assert.equal(await fate(1), 'clocks-disagree')
})

test('a service whose clock is an hour behind lets in no token by its age, where only checkpoints could tell', async (t) => {
  const { time, fate, loseFeed } = await startBench(t, -3_600_000)
  // By the clock of this service these were minted just now.
  assert.equal(await fate(3_600), 'clocks-disagree')
  loseFeed()
  await time.passUntil(120_000)
  assert.equal(await fate(3_600), 'clocks-disagree')
  assert.equal(await fate(3_610), 'clocks-disagree')
})
