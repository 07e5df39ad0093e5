import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { PostgresServer } from '../../tools/postgres-server.ts'
import type { Door } from './acting.ts'
import { live } from './acting.ts'
import type { Administrator } from './administrator.ts'
import { createAdministrator } from './administrator.ts'
import type { Disturbances } from './disturbances.ts'
import { createDisturbances } from './disturbances.ts'
import { StoreUnavailableError } from '../../packages/identity/src/domain/store-unavailable.ts'
import type { Asker } from './http-door.ts'
import { askNode, questionOf } from './http-door.ts'
import { createLedger, told } from './ledger.ts'
import type { Nodes } from './nodes.ts'
import { startNodes } from './nodes.ts'
import type { Plan } from './plan.ts'
import { planOf } from './plan.ts'
import { judgeRemains } from './remains.ts'
import type { Tally } from './tally.ts'
import { judge } from './verdicts.ts'

export interface OverHttpOptions {
  readonly histories: number
  readonly seed: number
  /** The address of an empty store. */
  readonly url: string
  /** The server of that store, when it is one that may be killed: then there are two nodes. */
  readonly server?: PostgresServer | undefined
  readonly tally: Tally
}

/** Of deeds that weigh 34 otherwise. */
const disturbanceWeight = 2
/** Histories at the same time. They share the clock, and more would let it outrun their access tokens. */
const lanes = 3

/** Random histories with real requests. Throws at the first that fails; answers what was broken meanwhile. */
export async function runOverHttp(options: OverHttpOptions): Promise<string> {
  const { histories, seed, url, server, tally } = options
  const weight = server === undefined ? 0 : disturbanceWeight
  const plans = fc.sample(planOf(weight), { seed, numRuns: histories })
  const nodesCount = server === undefined ? 1 : 2
  const nodes = await startNodes(url, { nodesCount, peopleCount: histories })
  const disturbances = createDisturbances(nodes, server)
  try {
    const administrator = createAdministrator(nodes)
    const stage = { nodes, disturbances, administrator, tally }
    const waiting = plans.entries()
    await Promise.all(
      Array.from({ length: lanes }, async () => {
        for (const [place, plan] of waiting) {
          await administrator.stayKnown()
          await liveOnce(plan, place, stage).catch((error: unknown) => {
            throw new Error(`seed ${seed}, history ${place}: ${messageOf(error)}`, { cause: error })
          })
        }
      }),
    )
    return disturbances.told()
  } finally {
    await disturbances.over()
    await nodes.close()
  }
}

interface Stage {
  readonly nodes: Nodes
  readonly disturbances: Disturbances
  readonly administrator: Administrator
  readonly tally: Tally
}

async function liveOnce(plan: Plan, place: number, stage: Stage): Promise<void> {
  const { nodes, administrator } = stage
  const person = nodes.people[place] ?? assert.fail('somebody has had two histories')
  const { id: accountId, identifier } = person
  const { graceMs, now, password: firstPassword } = nodes
  const ledger = createLedger({ accountId, firstPassword, graceMs, now })
  const asker = { accountId, identifier, administratorToken: administrator.token }
  try {
    await live(plan, ledger, doorOf(stage, asker))
    judge(ledger)
    await whileUnavailable(() => judgeRemains(ledger, nodes.store))
  } catch (error) {
    throw new Error(`${messageOf(error)}\n${told(ledger)}`, { cause: error })
  }
  stage.tally.count(ledger)
}

function doorOf({ nodes, disturbances, administrator }: Stage, asker: Asker): Door {
  const { ports, advanceMs } = nodes
  return {
    turn: ({ delayMs }) => pause(delayMs),
    together: async (deeds) => void (await Promise.all(deeds)),
    advanceMs,
    ask: (facts, { node, isLost, delayMs }) => {
      const port = ports[node % ports.length] ?? assert.fail()
      return askNode(port, questionOf(facts, asker), isLost ? delayMs : undefined)
    },
    rotateKeys: administrator.rotateKeys,
    disturb: disturbances.disturb,
    untilWhole: async () => {
      await disturbances.over()
      await administrator.untilAnswered()
    },
  }
}

const retryMs = 20

/** The server may be down again because of another history. */
async function whileUnavailable(step: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      await pause(retryMs)
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
