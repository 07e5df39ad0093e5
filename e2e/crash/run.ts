import assert from 'node:assert/strict'
import { createChance } from './chance.ts'
import type { CallName, Door } from './door.ts'
import { openDoor } from './door.ts'
import type { Follower } from './follower.ts'
import { createFollower } from './follower.ts'
import type { CallPace, KillMoment } from './kill-moment.ts'
import { chooseKillMoment } from './kill-moment.ts'
import { createLedger, liveSessions, noteSessionOver } from './ledger.ts'
import type { Wish } from './load.ts'
import { act } from './load.ts'
import { checkLogAndKeys } from './log-check.ts'
import { assertAdmitted, assertOver, probe, readFeedKeys, readSnapshot } from './probing.ts'
import { signIn } from './signing-in.ts'
import type { Scene } from './scene.ts'
import type { Left } from './settling.ts'
import { settle } from './settling.ts'
import { readStoreAsLeft } from './store-file.ts'
import type { Victim } from './victim.ts'
import { prepareVictim } from './victim.ts'

export interface CrashPlan {
  readonly kills: number
  readonly seed: number
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
  readonly frames: number
}

/** What lasts from one life of the process to the next. */
interface Run extends Pick<Scene, 'ledger' | 'chance' | 'issuer'> {
  readonly victim: Victim
  readonly pace: CallPace
  follower: Follower | undefined
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
  const { kills, seed, folder, onSurvived } = plan
  const chance = createChance(seed)
  const victim = await prepareVictim(folder)
  const { issuer } = victim
  const ledger = createLedger(victim.accounts)
  const run: Run = {
    victim,
    pace: new Map(),
    issuer,
    ledger,
    chance,
    follower: undefined,
    left: undefined,
    committedUnanswered: 0,
  }
  let killed = 0
  try {
    for (; killed < kills; killed += 1) {
      await liveOnce(run, burst)
      onSurvived?.(killed + 1)
    }
    await liveOnce(run, tryTheft)
  } catch (error) {
    victim.kill()
    throw new Error(`seed ${seed}, kill ${killed + 1}: ${messageOf(error)}`, { cause: error })
  }
  return reportOf(run)
}

/** From a start to a kill, and to what the kill has left. */
async function liveOnce(
  run: Run,
  live: (run: Run, scene: Scene, moment: KillMoment) => Promise<void>,
): Promise<void> {
  const { victim, chance, left } = run
  if (left !== undefined && chance.oneIn(startKilledInOneOf)) {
    await victim.killWhileStarting(chance.integer(0, startMsTypical))
  }
  await victim.start()
  const moment = chooseKillMoment(chance, run.pace, victim.kill)
  const { port, isDown } = victim
  const door: Door = openDoor({ port, isDown, onMoment: moment.onMoment })
  const scene: Scene = { ...run, door }
  try {
    run.follower ??= createFollower({ ...victim, epoch: (await readSnapshot(scene)).epoch })
    await run.follower.follow(await readFeedKeys(scene))
    if (left !== undefined) await probe(scene, left, live === tryTheft)
    await live(run, scene, moment)
    await victim.gone()
    await run.follower.cut()
  } finally {
    moment.disarm()
    victim.kill()
    door.close()
  }
  const view = readStoreAsLeft(victim.databasePath)
  const settled = settle(run.ledger, view)
  checkLogAndKeys(run, { view, settled }, run.follower)
  run.left = { view, settled }
  run.committedUnanswered += settled.committed
}

const startMsTypical = 450

async function burst({ victim }: Run, scene: Scene, moment: KillMoment): Promise<void> {
  const wish: Wish = { call: undefined }
  await signInAll(scene)
  moment.arm(wish)
  await act(scene, wish, victim.isDown)
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
async function tryTheft({ victim, ledger }: Run, scene: Scene): Promise<void> {
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
  victim.kill()
}

function reportOf({ ledger, follower, committedUnanswered }: Run): CrashReport {
  const { answered, unanswered, keyRotations, revocations } = ledger
  return {
    answered,
    unanswered,
    keyRotations,
    committedUnanswered,
    revocations: revocations.length,
    frames: follower?.frames() ?? 0,
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
