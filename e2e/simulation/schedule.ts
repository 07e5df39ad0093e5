import { hash } from 'node:crypto'
import type { Fingerprint } from '@portcullis/protocol/revocations'
import { fingerprintOf } from '@portcullis/protocol/revocations'
import { createChance, seedOf } from './chance.ts'
import { forgedToken, perform } from './deeds.ts'
import { Broken } from './faults.ts'
import { createFollower } from './follower.ts'
import { nameOf, present } from './judgement.ts'
import { issuer } from './names.ts'
import { createNetwork } from './paths.ts'
import type { Plan, PlannedEvent } from './plan.ts'
import { askForReceipts } from './receipts.ts'
import type { SimulatedFollower } from './services.ts'
import type { MemoryPool } from './store-server.ts'
import { judgeWhole } from './tables.ts'
import type { Tally } from './tally.ts'
import type { KnownToken, TakeBack } from './token-ledger.ts'
import { mayTake, surelyTakes } from './token-ledger.ts'
import { bringUp, heal, troubles } from './trouble.ts'
import type { World } from './world.ts'
import { createWorld, nodesUp } from './world.ts'

export interface LivedSchedule {
  readonly kind: 'kept' | 'broken'
  readonly why?: unknown
  readonly story: () => readonly string[]
  /** Of everything that was told, and how much has happened: the same seed gives the same. */
  readonly trace: () => string
}

const settlesMsMax = 90_000

/** Lives through a plan from the first login until all is mended and everybody knows the same. */
export async function liveThrough(
  plan: Plan,
  memories: MemoryPool,
  tally: Tally,
): Promise<LivedSchedule> {
  const world = createWorld(plan.config, { seed: plan.seed, memories, tally })
  const { faults } = world
  const watching = (error: unknown): void => void faults.push(error)
  process.on('unhandledRejection', watching)
  try {
    await live(world, plan)
  } catch (error) {
    faults.unshift(error)
  } finally {
    process.off('unhandledRejection', watching)
  }
  const { story, time } = world
  const told = (): string => `${story().join('\n')}${time.events()}`
  const [why] = faults
  return {
    kind: faults.length === 0 ? 'kept' : 'broken',
    ...(faults.length === 0 ? {} : { why }),
    story,
    // Few are asked for it.
    trace: () => hash('sha256', told()),
  }
}

async function live(world: World, plan: Plan): Promise<void> {
  const { time, faults } = world
  begin(world, plan)
  const act = (work: Promise<unknown>): void => {
    work.catch((error: unknown) => faults.push(error))
  }
  world.onTakeBack = (one) => {
    challenge(world, one, act)
    const up = nodesUp(world)
    if (!plan.config.hasReceipts || up.length === 0) return
    act(askForReceipts(world, world.chance.oneOf(up), one))
  }
  for (const event of plan.events) time.after(event.at, () => act(happen(world, event)))
  const runUntil = async (ms: number): Promise<void> => {
    await time.runUntil(ms)
    if (faults.length > 0) throw faults[0]
  }
  for (let ms = 5_000; ms < plan.lastsMs; ms += 5_000) await runUntil(ms)
  await runUntil(plan.lastsMs)
  heal(world)
  await untilSettled(world, runUntil)
  await judgeTables(world, runUntil)
  await untilSettled(world, runUntil)
  await judgeWholeTables(world, runUntil)
}

function begin(world: World, { config, maxStalenessMs, seed }: Plan): void {
  for (let at = 0; at < config.nodes; at += 1) {
    world.nodes.push({
      name: `node-${at + 1}`,
      clock: world.clockOf(),
      file: { mark: undefined },
      site: undefined,
      node: undefined,
      end: undefined,
      isWanted: true,
      accessTokenSeconds: config.accessTokenSeconds,
    })
  }
  world.primary = world.startServer(0)
  for (const slot of world.nodes) bringUp(world, slot)
  const network = createNetwork(world)
  for (const [at, staleMs] of maxStalenessMs.entries()) {
    const follower = {
      name: `service-${at + 1}`,
      maxStalenessMs: staleMs,
      seed: seedOf(seed, 2, at),
    }
    world.followers.push(createFollower(world, network, follower))
  }
}

async function happen(world: World, { kind, what, seed }: PlannedEvent): Promise<void> {
  const chance = createChance(seed)
  if (kind === 'deed') return perform(world, what, chance)
  if (kind === 'trouble') return troubles[what]?.(world, chance)
  const follower = chance.oneOf(world.followers)
  if (kind === 'forge') {
    const withdrawn = world.takeBacks.find((one) => one.kind === 'key')
    if (withdrawn === undefined) return
    const nowMs = follower.clock.read() + chance.between(-4_000, 4_000)
    await present(world, follower, forgedToken(world, chance, withdrawn.key, nowMs))
    return
  }
  const isLost = (token: KnownToken): boolean =>
    world.takeBacks.some((one) => one.acknowledgedAt !== undefined && surelyTakes(one, token))
  const shown = what === 'a lost token' ? world.tokens.filter(isLost) : world.tokens
  const late = shown.slice(-10)
  if (late.length > 0) await present(world, follower, chance.oneOf(late))
}

/** Whoever has lost a token to this tries it on, above all just beyond the bound. */
function challenge(world: World, one: TakeBack, act: (work: Promise<unknown>) => void): void {
  const { time, chance } = world
  for (const follower of world.followers) {
    const leftMs = follower.maxStalenessMs + one.issuerHighMs - follower.nowMs()
    const moments = [
      chance.between(0, 1_500),
      chance.between(0, follower.maxStalenessMs),
      leftMs + 1,
      leftMs + chance.between(2, 6_000),
      leftMs + chance.between(1_300, 6_000),
    ]
    for (const moment of moments) {
      const { seed } = { seed: chance.between(1, 2 ** 31) }
      time.after(moment, () => act(tryOn(world, follower, one, seed)))
    }
  }
}

async function tryOn(
  world: World,
  follower: SimulatedFollower,
  one: TakeBack,
  seed: number,
): Promise<void> {
  const chance = createChance(seed)
  if (one.kind === 'key') {
    const nowMs = follower.clock.read()
    await present(world, follower, forgedToken(world, chance, one.key, nowMs))
  }
  const taken = world.tokens.filter((token) => surelyTakes(one, token))
  const [oldest, newest] = [taken.at(0), taken.at(-1)]
  if (oldest !== undefined) await present(world, follower, oldest)
  if (newest !== undefined && newest !== oldest) await present(world, follower, newest)
}

/** All know the same, and soon. */
async function untilSettled(world: World, runUntil: (ms: number) => Promise<void>): Promise<void> {
  const { time } = world
  const until = time.now() + settlesMsMax
  const isSettled = (): boolean =>
    world.nodes.every(({ node }) => node !== undefined) &&
    isGoneOnWith(world) &&
    world.followers.every((follower) => isAtHead(world, follower))
  while (!isSettled()) {
    if (time.now() >= until) {
      const states = world.followers.map((one) => JSON.stringify(one.verifier().revocation()))
      throw new Broken(`all was mended ${settlesMsMax} ms ago: ${states.join()}`)
    }
    await runUntil(time.now() + 500)
  }
}

/** Somebody has seen that another server goes on with the data, and what that means. */
function isGoneOnWith({ primary, config }: World): boolean {
  const [head] = primary?.look('SELECT lineage FROM revocation_head') ?? []
  return config.engine === 'sqlite' || head?.['lineage'] === primary?.server.lineage
}

function isAtHead(world: World, follower: SimulatedFollower): boolean {
  const health = follower.verifier().revocation()
  const head = world.primary?.look('SELECT epoch, seq FROM revocation_head')[0]
  return (
    health.followed &&
    health.isFresh &&
    !follower.isEnding() &&
    health.epoch === head?.['epoch'] &&
    health.seq === head?.['seq']
  )
}

/** Every service refuses what the log names, and lets in whatever else is alive. */
async function judgeTables(world: World, runUntil: (ms: number) => Promise<void>): Promise<void> {
  const { primary } = world
  if (primary === undefined) throw new Broken('there is no primary')
  const named = namedIn(primary.look('SELECT kind, fingerprint, floor FROM revocations'))
  const [head] = primary.look('SELECT kids FROM revocation_head')
  const kids = new Set(JSON.parse(String(head?.['kids'])) as string[])
  const verdicts: Promise<void>[] = []
  for (const token of world.tokens) {
    // A withdrawal that a backup has undone is known to some.
    if (world.takeBacks.some(({ kind, key }) => kind === 'key' && key === token.kid)) continue
    const isGone = !kids.has(token.kid) || named(token)
    for (const follower of world.followers) {
      verdicts.push(judgeOne(world, follower, token, isGone))
    }
  }
  await untilDone(world, runUntil, Promise.all(verdicts))
}

/** Everything that every service knows, and not only what somebody shows it. */
async function judgeWholeTables(
  world: World,
  runUntil: (ms: number) => Promise<void>,
): Promise<void> {
  const waiting = new Map(world.followers.map((one) => [one, one.verifier()]))
  const verdicts = world.followers.map(async (follower) => {
    await judgeWhole(world, follower)
    waiting.delete(follower)
  })
  await untilDone(world, runUntil, Promise.all(verdicts))
  // One that was just restarted has not ended by itself.
  const late = [...waiting].filter(([follower, verifier]) => follower.verifier() === verifier)
  if (late.length > 0) throw new Broken(`${late.map(([{ name }]) => name).join()} does not end`)
}

/** Lets time go by for it, but not for ever. */
async function untilDone(
  { time }: World,
  runUntil: (ms: number) => Promise<void>,
  work: Promise<unknown>,
): Promise<void> {
  const over = new AbortController()
  const done = work.finally(() => over.abort())
  // It is waited for below.
  done.catch(() => undefined)
  for (let turn = 0; turn < 60 && !over.signal.aborted; turn += 1) {
    await runUntil(time.now() + 1_000)
  }
  if (over.signal.aborted) await done
}

/** The back-off for keys lasts half a minute at the most. */
const keysMsMax = 50_000

/** The last two are of a service that is just being restarted; what clocks were, and a kid that was not there, it asks again after seconds. */
const comesAgain: ReadonlySet<string> = new Set([
  'keys-unavailable',
  'stale',
  'clocks-disagree',
  'unknown-key',
  'feed-unavailable',
  'unheard',
])

async function judgeOne(
  world: World,
  follower: SimulatedFollower,
  token: KnownToken,
  isGone: boolean,
): Promise<void> {
  const begunAt = world.time.now()
  const until = begunAt + keysMsMax
  for (;;) {
    const verdict = await present(world, follower, token)
    if (verdict === 'expired' || verdict === 'not-yet-valid') return
    const isRefused = verdict === 'revoked' || verdict === 'key-withdrawn'
    // A deed of the last moment may be done when everything is mended.
    const isTakenSince = (one: TakeBack): boolean =>
      (one.acknowledgedAt ?? Infinity) > begunAt && mayTake(one, token, world.time.now())
    if (isRefused && world.takeBacks.some(isTakenSince)) return
    const isUnknown = isGone && verdict === 'unknown-key'
    if (isGone ? isRefused || isUnknown : verdict === 'let in') {
      return world.tally.count('tokens as the log has it')
    }
    if (!comesAgain.has(verdict) || world.time.now() > until) {
      const said = `and the log says ${isGone ? 'gone' : 'alive'}`
      throw new Broken(`${follower.name} says ${verdict} of ${nameOf(token)}, ${said}`)
    }
    await world.time.pause(1_000)
  }
}

type Rows = ReturnType<NonNullable<World['primary']>['look']>

/** What the log says of a token, by its own words. */
function namedIn(rows: Rows): (token: KnownToken) => boolean {
  const floors = new Map(
    rows.map((row) => [`${kindOf(row)} ${String(row['fingerprint'])}`, Number(row['floor'])]),
  )
  const floorOf = (kind: Kind, key: string): number => {
    const print: Fingerprint = fingerprintOf(issuer, kind, key)
    return floors.get(`${kind} ${print.toString(16).padStart(16, '0')}`) ?? -1
  }
  return (token) => {
    const { gen = Infinity, cgen } = generationsOf(token)
    return (
      Math.min(gen, cgen) < floorOf('all', '') ||
      cgen < floorOf('client', token.clientId) ||
      (token.actorId !== undefined && actorGeneration(token) < floorOf('client', token.actorId)) ||
      (token.accountId !== undefined && gen < floorOf('account', token.accountId)) ||
      (token.sessionId !== undefined && floorOf('session', token.sessionId) >= 0) ||
      floorOf('token', token.jti) >= 0 ||
      floorOf('key', token.kid) >= 0
    )
  }
}

type Kind = Parameters<typeof fingerprintOf>[1]

function kindOf(row: Rows[number]): string {
  return String(row['kind'])
}

interface Generations {
  readonly gen?: number
  readonly cgen: number
  readonly act?: { readonly cgen?: number }
}

function generationsOf({ text }: KnownToken): Generations {
  const [, payload = ''] = text.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Generations
}

function actorGeneration(token: KnownToken): number {
  const { act, cgen } = generationsOf(token)
  return act?.cgen ?? cgen
}
