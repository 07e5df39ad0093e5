import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import {
  encodeRecord,
  fingerprintOf,
  formatFrame,
  recordBytes,
} from '@portcullis/protocol/revocations'
import type { RevocationHealth, Verifier, VerifierWarning } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { createStateFile } from '../src/revocation/state-file.ts'
import { wireVerifier } from '../src/issuer-verifier.ts'
import { createIssuerDocuments } from '../src/issuer/documents.ts'
import { parseOptions } from '../src/options.ts'
import type { TestFeed } from '../src/testing/test-feed.ts'
import { createTestFeed } from '../src/testing/test-feed.ts'
import { generateTestKey } from '../src/testing/test-key.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import type { VirtualTime } from './virtual-time.ts'
import { createVirtualTime } from './virtual-time.ts'

const beginsAt = Date.UTC(2026, 5, 1, 12)
const good = 'G'.repeat(22)
const revoked = ['R', 'S'].map((letter) => letter.repeat(22))
const laterRevoked = 'T'.repeat(22)

type FollowedHealth = Extract<RevocationHealth, { followed: true }>

/** A service that follows an issuer over a relay, which has kept all that came by. */
interface Relayed {
  readonly issuer: ScriptedIssuer
  readonly time: VirtualTime
  readonly verifier: Verifier
  readonly warnings: VerifierWarning[]
  readonly health: () => FollowedHealth
  readonly kept: { readonly frame: string; readonly checkpoint: string; readonly snapshot: Buffer }
  /** The feed of somebody else, who has revoked the good session. */
  readonly foreign: TestFeed
}

async function startRelayed(t: TestContext): Promise<Relayed> {
  const time = createVirtualTime(1)
  const now = (): number => beginsAt + time.now()
  const issuer = scriptIssuer(t, { now })
  const { feed, fetch } = issuer
  const warnings: VerifierWarning[] = []
  const settings = parseOptions({
    issuer: issuer.issuer,
    audience: 'orders',
    now,
    fetch,
    // A second and a half after its last checkpoint it asks for a snapshot too.
    revocation: { maxStalenessSeconds: 3 },
    onWarning: (warning) => void warnings.push(warning),
  })
  const verifier = wireVerifier(settings, {
    timers: time.timers,
    documentsOf: createIssuerDocuments,
    stateFileOf: createStateFile,
  })
  const health = (): FollowedHealth => {
    const found = verifier.revocation()
    return found.followed ? found : assert.fail('nothing is followed')
  }
  const [first = '', second = ''] = revoked
  feed.append({ sid: first })
  const snapshot = feed.snapshot()
  const ready = verifier.ready()
  await time.passUntil(500)
  await ready
  const checkpoint = eventOf(feed.sign())
  issuer.send(checkpoint)
  await time.passUntil(1_000)
  feed.append({ sid: second })
  const frame = feed.eventAfter(1)
  issuer.send(frame)
  await time.passUntil(1_500)
  issuer.send(eventOf(feed.sign()))
  await time.passUntil(1_600)
  const kids = issuer.keys.kids
  const foreign = createTestFeed({ issuer: 'https://other.example', now, kids })
  for (const sid of [first, second, good]) foreign.append({ sid })
  const kept = { frame, checkpoint, snapshot }
  return { issuer, time, verifier, warnings, health, kept, foreign }
}

function eventOf(checkpoint: string, records: Buffer = Buffer.alloc(0)): string {
  return `event: records\ndata: ${formatFrame({ records, checkpoint })}\n\n`
}

/** The next record in the log, if it were so. */
function recordAbout({ issuer }: Relayed, sid: string): Buffer {
  const fingerprint = fingerprintOf(issuer.issuer, 'session', sid)
  return encodeRecord({ seq: 3, kind: 'session', fingerprint, floor: 0, until: undefined })
}

/** Says that it was signed just before `at`, which it was not. */
function redated(checkpoint: string, at: number): string {
  const [header = '', payload = '', signature = ''] = checkpoint.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const forged = Buffer.from(JSON.stringify({ ...claims, at })).toString('base64url')
  return `${header}.${forged}.${signature}`
}

/** The manifest as it is, and the records of it in another order. */
function turnedRound(snapshot: Buffer): Buffer {
  const begin = snapshot.indexOf(0x0a) + 1
  const records = snapshot.subarray(begin)
  assert.equal(records.length, 2 * recordBytes)
  const turned = [records.subarray(recordBytes), records.subarray(0, recordBytes)]
  return Buffer.concat([snapshot.subarray(0, begin), ...turned])
}

interface Attack {
  readonly stream?: (relayed: Relayed) => readonly string[] | Promise<readonly string[]>
  readonly snapshot?: (relayed: Relayed) => Buffer
  readonly counted: 'framesRefused' | 'framesLate' | 'snapshotsRefused' | 'snapshotsLate'
}

type Trick = 'forged' | 'replayed' | 'reordered' | 'foreign'
type Part = 'frame' | 'snapshot' | 'checkpoint'

const attacks: Readonly<Record<Trick, Readonly<Record<Part, Attack>>>> = {
  forged: {
    frame: {
      stream: (relayed) => {
        const record = recordAbout(relayed, good)
        return [eventOf(relayed.issuer.feed.sign({ seq: 3 }, generateTestKey('ES256')), record)]
      },
      counted: 'framesRefused',
    },
    snapshot: {
      snapshot: (relayed) =>
        Buffer.concat([relayed.issuer.feed.snapshot(), recordAbout(relayed, good)]),
      counted: 'snapshotsRefused',
    },
    checkpoint: {
      stream: ({ issuer: { feed }, time }) => [
        eventOf(redated(feed.sign(), beginsAt + time.now() + 4_000)),
      ],
      counted: 'framesRefused',
    },
  },
  replayed: {
    frame: { stream: ({ kept }) => [kept.frame], counted: 'framesLate' },
    snapshot: { snapshot: ({ kept }) => kept.snapshot, counted: 'snapshotsLate' },
    checkpoint: { stream: ({ kept }) => [kept.checkpoint], counted: 'framesLate' },
  },
  reordered: {
    frame: {
      stream: ({ issuer: { feed } }) => {
        feed.append({ sid: 'X'.repeat(22) })
        const earlier = feed.eventAfter(2)
        feed.append({ sid: 'Y'.repeat(22) })
        return [feed.eventAfter(3), earlier]
      },
      counted: 'framesRefused',
    },
    snapshot: {
      snapshot: ({ issuer: { feed } }) => turnedRound(feed.snapshot()),
      counted: 'snapshotsRefused',
    },
    checkpoint: {
      stream: async ({ issuer: { feed }, time }) => {
        const earlier = eventOf(feed.sign())
        await time.passUntil(time.now() + 10)
        return [eventOf(feed.sign()), earlier]
      },
      counted: 'framesLate',
    },
  },
  foreign: {
    frame: { stream: ({ foreign }) => [foreign.eventAfter(2)], counted: 'framesRefused' },
    snapshot: { snapshot: ({ foreign }) => foreign.snapshot(), counted: 'snapshotsRefused' },
    checkpoint: {
      stream: ({ issuer: { feed, keys } }) => [eventOf(feed.sign({}, keys.current()))],
      counted: 'framesRefused',
    },
  },
}

async function play(relayed: Relayed, { stream, snapshot }: Attack): Promise<void> {
  const { issuer, time } = relayed
  for (const text of (await stream?.(relayed)) ?? []) issuer.send(text)
  if (snapshot !== undefined) {
    const body = new Uint8Array(snapshot(relayed))
    issuer.answer(paths.snapshot, () => {
      issuer.answer(paths.snapshot, undefined)
      return new Response(body)
    })
    await time.passUntil(time.now() + 1_600)
  }
  await time.passUntil(time.now() + 10)
}

async function fatesOf({ verifier, issuer }: Relayed): Promise<readonly string[]> {
  const fates = [good, ...revoked, laterRevoked].map((sid) =>
    verifier.verify(issuer.mint({ sid })).then(
      () => 'accepted',
      (error: unknown) => (error instanceof VerifyError ? error.reason : String(error)),
    ),
  )
  return (await Promise.all(fates)).map(String)
}

let played = 0
for (const [trick, parts] of Object.entries(attacks)) {
  for (const [part, attack] of Object.entries(parts)) {
    test(`a ${trick} ${part} changes nothing that lasts, is counted, and is told`, async (t) => {
      const relayed = await startRelayed(t)
      const { issuer, time, warnings, health } = relayed
      const before = health()
      assert.deepEqual([before.seq, before.isFresh, before.records], [2, true, 2])
      assert.deepEqual(await fatesOf(relayed), ['accepted', 'revoked', 'revoked', 'accepted'])
      assert.equal(warnings.length, 0)

      await play(relayed, attack)
      const after = health()
      assert.equal(after.counts[attack.counted], before.counts[attack.counted] + 1)
      const [what] = attack.counted.split(/(?=s[RL])/)
      const how = attack.counted.endsWith('Late') ? 'older than what is known' : 'refused: '
      assert.equal(warnings.length, 1, JSON.stringify(warnings))
      const [warning] = warnings
      assert.equal(warning?.code, 'PORTCULLIS_REVOCATION_FEED')
      assert.match(warning.message, new RegExp(`brought a ${what} that is ${how}`))
      assert.deepEqual([after.epoch, after.seq, after.records], [before.epoch, 2, 2])
      assert.ok((after.checkpointAt ?? 0) <= beginsAt + time.now())
      assert.deepEqual(await fatesOf(relayed), ['accepted', 'revoked', 'revoked', 'accepted'])

      // Nor is anything the worse for it: what comes now is applied.
      const { seq } = issuer.feed.append({ sid: laterRevoked })
      await time.passUntil(time.now() + 5_000)
      const end = health()
      assert.deepEqual([end.epoch, end.seq, end.records], [before.epoch, seq, seq])
      assert.deepEqual(await fatesOf(relayed), ['accepted', 'revoked', 'revoked', 'revoked'])
      played += 1
    })
  }
}

test('each of the four was done to each of the three', () => {
  assert.equal(played, 12)
})
