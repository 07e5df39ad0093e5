import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { live } from './acting.ts'
import { interleave } from './interleaving.ts'
import type { Ledger } from './ledger.ts'
import { createLedger, kidOf, told } from './ledger.ts'
import type { Plan } from './plan.ts'
import { planOf } from './plan.ts'
import { judgeRemains } from './remains.ts'
import type { Tally } from './tally.ts'
import { judge } from './verdicts.ts'
import type { World } from './world.ts'
import { openWorld } from './world.ts'

export interface InProcessOptions {
  readonly histories: number
  readonly seed: number
  /** As fast-check has printed it: goes straight to a history that has failed. */
  readonly path?: string | undefined
  /** The address of another empty store, at each call. */
  readonly newStore: () => Promise<string>
  readonly tally: Tally
}

/** Histories that share a store: enough to pay for opening it, few enough to keep it small. */
const historiesPerStore = 400
/** Of a deed of weight 29: see `planOf`. */
const crashWeight = 1
const hourMs = 3_600_000

/** Random histories against domain and store, each in an order of its own. Throws at the first that fails. */
export async function runInProcess(options: InProcessOptions): Promise<void> {
  const { histories, seed, path, newStore, tally } = options
  let world: World | undefined
  const liveOne = async (plan: Plan, scheduler: fc.Scheduler): Promise<void> => {
    let person = world?.nextPerson()
    if (world === undefined || person === undefined) {
      await world?.close()
      world = await openWorld(await newStore(), historiesPerStore)
      person = world.nextPerson()
    }
    assert.ok(person)
    // So that the keys of the histories before are destroyed, and the windows of nobody are open.
    world.advanceMs(hourMs)
    await (await world.life()).keyring.tick()
    const firstPassword = `${person.identifier}-password`
    const { now } = world
    const ledger = createLedger({ accountId: person.id, firstPassword, graceMs, now })
    try {
      await live(plan, ledger, interleave(world, person, scheduler))
      await judgeAll(ledger, world)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`${why}\n${told(ledger)}`, { cause: error })
    }
    tally.count(ledger)
  }
  try {
    await fc.assert(fc.asyncProperty(planOf(crashWeight), fc.scheduler(), liveOne), {
      seed,
      numRuns: histories,
      ...(path === undefined ? {} : { path }),
    })
  } finally {
    await world?.close()
  }
}

/** The window that the parts of the tests have. */
const graceMs = 30_000

async function judgeAll(ledger: Ledger, world: World): Promise<void> {
  judge(ledger)
  await judgeRemains(ledger, world.store)
  const { keyring } = await world.life()
  const published = new Set(keyring.publicJwks().keys.map(({ kid }) => kid))
  for (const { access } of ledger.deeds) {
    if (access === undefined) continue
    assert.ok(
      published.has(kidOf(access)),
      'a token is out there, and its key is published no more',
    )
  }
}
