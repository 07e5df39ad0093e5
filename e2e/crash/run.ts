import assert from 'node:assert/strict'
import { createChance } from './chance.ts'
import type { CallName } from './door.ts'
import { openDoor } from './door.ts'
import type { CallPace, KillMoment } from './kill-moment.ts'
import { chooseKillMoment } from './kill-moment.ts'
import { createLedger, liveSessions, noteSessionOver } from './ledger.ts'
import type { Wish } from './load.ts'
import { act } from './load.ts'
import { checkLogAndKeys } from './log-check.ts'
import type { Mortal } from './mortal.ts'
import { assertAdmitted, assertOver, probe, readFeedKeys, readSnapshot } from './probing.ts'
import type { LogWatch } from './published.ts'
import { watchFeed, watchStore } from './published.ts'
import { signIn } from './signing-in.ts'
import type { Scene } from './scene.ts'
import type { Left } from './settling.ts'
import { settle } from './settling.ts'
import type { EngineName, VerifiedAudit, Victim } from './victim.ts'
import { prepareVictim } from './victim.ts'

export interface CrashPlan {
  readonly kills: number
  readonly seed: number
  /** On PostgreSQL there are two nodes, and the server is killed in its turn. */
  readonly engine: EngineName
  /** An empty folder for the store and the settings. */
  readonly folder: string
  /** Called after each kill that everything has survived. */
  readonly onSurvived?: (kills: number) => void
}

export interface CrashReport {
  readonly answered: ReadonlyMap<CallName, number>
  readonly unanswered: ReadonlyMap<CallName, number>
  /** How many calls without an answer had changed the store. */
  readonly committedUnanswered: number
  readonly keyRotations: number
  readonly revocations: number
  /** Of the feed; none on PostgreSQL, where the log is read through the store. */
  readonly frames: number
  /** Of the store that all kills have left. */
  readonly audit: VerifiedAudit
}

/** What lasts from one life of the process to the next. */
interface Run extends Pick<Scene, 'ledger' | 'chance' | 'issuer'> {
  readonly victim: Victim
  readonly pace: CallPace
  watch: LogWatch | undefined
  /** What the last kill has left. */
  left: Left | undefined
  committedUnanswered: number
}

/** Enough for every kind of prospect, few enough for the clock. */
const startKilledInOneOf = 8

/**
 * Kills identity again and again under load, and checks every acknowledgement after each kill: in the
 * files that it has left, and with the identity that goes on with them. Throws at the first that does
 * not hold.
 */
export async function runCrashes(plan: CrashPlan): Promise<CrashReport> {
  const { kills, seed, engine, folder, onSurvived } = plan
  const chance = createChance(seed)
  const victim = await prepareVictim(engine, folder)
  const { issuer } = victim
  const ledger = createLedger(victim.accounts)
  const run: Run = {
    victim,
    pace: new Map(),
    issuer,
    ledger,
    chance,
    watch: undefined,
    left: undefined,
    committedUnanswered: 0,
  }
  const targets = [...victim.nodes, ...(victim.server === undefined ? [] : [victim.server])]
  let killed = 0
  try {
    for (; killed < kills; killed += 1) {
      const target = targets[killed % targets.length] ?? assert.fail()
      await liveOnce(run, target, burst)
      onSurvived?.(killed + 1)
    }
    await liveOnce(run, targets[0] ?? assert.fail(), tryTheft)
    return reportOf(run, await victim.verifyAudit())
  } catch (error) {
    throw new Error(`seed ${seed}, kill ${killed + 1}: ${messageOf(error)}`, { cause: error })
  } finally {
    await victim.end()
  }
}

/** What happens between a start and a kill. */
type Life = (run: Run, stage: Stage) => Promise<void>

interface Stage {
  readonly scene: Scene
  readonly moment: KillMoment
  /** What will be killed. */
  readonly target: Mortal
}

/** From a start to a kill, and to what the kill has left. */
async function liveOnce(run: Run, target: Mortal, live: Life): Promise<void> {
  const { victim, chance, left } = run
  const { nodes, server } = victim
  await startNodes(run)
  const moment = chooseKillMoment(chance, run.pace, target.kill)
  const isStoreDown = (): boolean => server?.isDown() === true
  const door = openDoor({ nodes, chance, isStoreDown, onMoment: moment.onMoment })
  const scene: Scene = { ...run, door }
  let watch: LogWatch
  try {
    watch = run.watch ??= await watchLog(run, scene)
    await watch.follow(await readFeedKeys(scene))
    if (left !== undefined) await probe(scene, left, live === tryTheft)
    await live(run, { scene, moment, target })
    await target.gone()
    await watch.cut()
  } finally {
    moment.disarm()
    target.kill()
    door.close()
  }
  if (server?.isDown() === true) await server.start()
  const view = await victim.readStore()
  const settled = settle(run.ledger, view)
  checkLogAndKeys(run, { view, settled }, watch)
  watch.note(view)
  run.left = { view, settled }
  run.committedUnanswered += settled.committed
}

/** Those that are down; now and then only at the second time. */
async function startNodes({ victim, chance, left }: Run): Promise<void> {
  for (const node of victim.nodes) {
    if (!node.isDown()) continue
    if (left !== undefined && chance.oneIn(startKilledInOneOf)) {
      await node.killWhileStarting(chance.integer(0, startMsTypical))
    }
    await node.start()
  }
}

const startMsTypical = 450

async function watchLog({ victim, issuer }: Run, scene: Scene): Promise<LogWatch> {
  const [node, ...others] = victim.nodes
  if (node === undefined || others.length > 0) return watchStore()
  return watchFeed({ issuer, port: node.port, epoch: (await readSnapshot(scene)).epoch })
}

/** How long the other node goes on when one was killed. */
const meanwhileMs = 250

async function burst({ victim }: Run, { scene, moment, target }: Stage): Promise<void> {
  const wish: Wish = { call: undefined }
  await signInAll(scene)
  moment.arm(wish)
  const goesOnMs = victim.nodes.length > 1 && target !== victim.server ? meanwhileMs : 0
  let overAtMs: number | undefined
  await act(scene, wish, () => {
    if (!target.isDown()) return false
    overAtMs ??= performance.now() + goesOnMs
    return performance.now() >= overAtMs
  })
}

/** Before the load, so that not all of it is passwords. */
async function signInAll(scene: Scene): Promise<void> {
  const { administrator, people } = scene.ledger
  await Promise.all(
    people.map(async (person) => {
      const sessionsMin = person === administrator ? 1 : 2
      while (!person.isBlocked && liveSessions(person).length < sessionsMin) {
        await signIn(scene, person)
      }
    }),
  )
}

/** At the end, because it ends sessions: a predecessor is theft, in its session and in no other. */
async function tryTheft({ ledger }: Run, { scene, target }: Stage): Promise<void> {
  await signInAll(scene)
  let tried = 0
  for (const person of ledger.people) {
    if (person.isBlocked || person === ledger.administrator) continue
    const stolen = liveSessions(person).find(({ previous }) => previous !== undefined)
    if (stolen?.previous === undefined) continue
    const newest = stolen.refresh
    stolen.refresh = stolen.previous
    await assertOver(scene, stolen)
    stolen.refresh = newest
    await assertOver(scene, stolen)
    noteSessionOver(ledger, stolen, 'theft')
    for (const other of liveSessions(person)) await assertAdmitted(scene, other)
    tried += 1
  }
  assert.ok(tried > 0, 'no session was left to be stolen')
  target.kill()
}

function reportOf({ ledger, watch, committedUnanswered }: Run, audit: VerifiedAudit): CrashReport {
  const { answered, unanswered, keyRotations, revocations } = ledger
  return {
    answered,
    unanswered,
    keyRotations,
    committedUnanswered,
    revocations: revocations.length,
    frames: watch?.frames() ?? 0,
    audit,
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
