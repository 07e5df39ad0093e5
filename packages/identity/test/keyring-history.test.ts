import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import * as fc from 'fast-check'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { RotateKeys } from '../src/domain/key-upkeep.ts'
import type { Keyring } from '../src/domain/keyring.ts'
import { text } from '../src/store/columns.ts'
import type { Database } from '../src/store/database.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import {
  accessTokenSecondsMax,
  claims,
  insertHead,
  isSignedByOneOf,
  jwksMaxAgeSeconds,
  kidOf,
  kidsOf,
  kidsOfHead,
  open,
  openStore,
  publishedMsMin,
  rotationMs,
} from './opened-keyring.ts'

const wanted: ReadonlySet<AlgorithmName> = new Set(['ES256', 'EdDSA'])
const linesMax = 3
/** The engines differ in how a step is made atomic, and not in what the steps are. */
const histories = { SQLite: 10, PostgreSQL: 4 }
/** How long somebody may use a key set that he has fetched. */
const copyMsMax = 2 * jwksMaxAgeSeconds * 1000
const tokenMsMax = accessTokenSecondsMax * 1000
/** How far a node may fall behind: its timer ticks every second. */
const tickMs = 1000

const acts = ['tick', 'restart', 'rotate', 'rotate-one', 'rotate-feed'] as const

interface Step {
  readonly gapMs: number
  /** Which of the two nodes acts. */
  readonly node: number
  readonly act: (typeof acts)[number]
}

const steps = fc.array(
  fc.record<Step>({
    gapMs: fc.oneof(
      fc.integer({ min: 0, max: 2 * tickMs }),
      fc.integer({ min: 0, max: copyMsMax }),
      fc.constantFrom(copyMsMax, publishedMsMin, tokenMsMax, tokenMsMax + 60_000, rotationMs),
    ),
    node: fc.integer({ min: 0, max: 1 }),
    act: fc.constantFrom(...acts),
  }),
  { minLength: 30, maxLength: 60 },
)

/** Everybody who has ever fetched a key set or got a token, and what they hold. */
function createWorldOutside(now: () => number) {
  const copies: { readonly at: number; readonly kids: ReadonlySet<unknown> }[] = []
  const tokens: { readonly at: number; readonly kid: unknown }[] = []
  const counts = { tokensOfCopies: 0, copiesOfTokens: 0 }
  return {
    counts,
    /** Somebody gets the key set, which has to fit every token that lives. */
    fetch: (keyring: Keyring): void => {
      const kids = new Set<unknown>(kidsOf(keyring))
      copies.push({ at: now(), kids })
      for (const { kid } of tokens.filter(({ at }) => now() - at <= tokenMsMax)) {
        assert.ok(kids.has(kid), 'a living token does not verify any more')
        counts.tokensOfCopies += 1
      }
    },
    /** Somebody gets tokens, which have to fit every copy that is in use. */
    sign: async (keyring: Keyring): Promise<void> => {
      for (const algorithm of wanted) {
        const token = await keyring.sign(claims, algorithm)
        assert.ok(isSignedByOneOf(keyring.publicJwks(), token))
        const kid = kidOf(token)
        tokens.push({ at: now(), kid })
        for (const { kids } of copies.filter(({ at }) => now() - at <= copyMsMax)) {
          assert.ok(kids.has(kid), 'a key signs that a copy in use lacks')
          counts.copiesOfTokens += 1
        }
      }
    },
  }
}

interface Node {
  readonly database: Database
  readonly keyring: Keyring
  tickedAt: number
}

/** Two nodes on one store. */
async function startHistory(t: TestContext, engine: Engine) {
  const url = await engine.createStore(t)
  const clock = createChosenClock()
  const start = async (): Promise<Node> => {
    const database = await openStore(t, url, clock.now)
    const keyring = await open(database, { wanted })
    return { database, keyring, tickedAt: clock.now() }
  }
  const observer = await openStore(t, url)
  await insertHead(observer)
  const nodes = [await start(), await start()]
  const outside = createWorldOutside(clock.now)
  const counts = { rotated: 0, refused: 0, destroyed: 0 }

  const tick = async (node: Node): Promise<void> => {
    const outcome = await node.keyring.tick()
    assert.ok(outcome.kind === 'kept')
    counts.rotated += outcome.rotated.length
    counts.destroyed += outcome.destroyed.length
    node.tickedAt = clock.now()
    await checkStore(observer)
  }
  const rotate = async ({ keyring }: Node, request?: RotateKeys): Promise<void> => {
    const { kind } = await keyring.rotate(request)
    assert.ok(kind === 'rotated' || kind === 'too-early', kind)
    counts[kind === 'rotated' ? 'rotated' : 'refused'] += 1
  }
  const restart = async (node: Node): Promise<void> => {
    await node.database.close()
    nodes[nodes.indexOf(node)] = await start()
  }
  const use = async (): Promise<void> => {
    for (const { keyring } of nodes) {
      outside.fetch(keyring)
      await outside.sign(keyring)
    }
  }
  /** Whomever the timer would have reached meanwhile ticks first, the acting node before the other. */
  const pass = async (gapMs: number, first: number): Promise<Node> => {
    clock.advanceMs(gapMs)
    for (const node of first === 0 ? nodes : nodes.toReversed()) {
      if (clock.now() - node.tickedAt >= tickMs) await tick(node)
    }
    const acting = nodes[first]
    assert.ok(acting !== undefined)
    return acting
  }
  return { observer, counts, outside, use, pass, tick, rotate, restart }
}

type History = Awaited<ReturnType<typeof startHistory>>

async function act(history: History, name: Step['act'], node: Node): Promise<void> {
  switch (name) {
    case 'tick':
      return history.tick(node)
    case 'restart':
      return history.restart(node)
    case 'rotate':
      return history.rotate(node)
    case 'rotate-one':
      return history.rotate(node, { algorithm: 'EdDSA' })
    case 'rotate-feed':
      return history.rotate(node, { purpose: 'feed' })
  }
}

async function checkStore(observer: Database): Promise<void> {
  const rows = await observer.read('SELECT * FROM signing_keys ORDER BY created_at, kid')
  for (const state of ['active', 'pending']) {
    const lines = rows.filter((row) => row['state'] === state)
    const names = new Set(lines.map((row) => `${text(row, 'purpose')} ${text(row, 'algorithm')}`))
    assert.equal(lines.length, linesMax, `there are ${lines.length} ${state} keys`)
    assert.equal(names.size, linesMax)
  }
  for (const row of rows) {
    const isDestroyed = row['state'] === 'destroyed'
    assert.equal(row['sealed_private_key'] === null, isDestroyed)
    assert.equal(row['destroyed_at'] !== null, isDestroyed)
  }
  const live = rows.filter(
    (row) => row['purpose'] === 'access-token' && row['state'] !== 'destroyed',
  )
  assert.deepEqual(
    await kidsOfHead(observer),
    live.map((row) => row['kid']),
  )
}

testOnEngines(
  'whatever two nodes do and when, no token meets a key set in use that lacks its key',
  async (t, engine) => {
    const seed = Date.now() % 2 ** 31
    t.diagnostic(`seed ${seed}`)
    const totals = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(steps, async (planned) => {
        const history = await startHistory(t, engine)
        await checkStore(history.observer)
        for (const { gapMs, node, act: name } of planned) {
          const acting = await history.pass(gapMs, node)
          await history.use()
          await act(history, name, acting)
          await checkStore(history.observer)
          await history.use()
        }
        for (const [name, count] of Object.entries({
          ...history.counts,
          ...history.outside.counts,
        })) {
          totals.set(name, (totals.get(name) ?? 0) + count)
        }
      }),
      { seed, numRuns: histories[engine.name] },
    )
    assert.equal(totals.size, 5)
    for (const [name, count] of totals)
      assert.ok(count > histories[engine.name], `${name}: ${count}`)
  },
)
