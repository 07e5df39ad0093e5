import type { Scheduler } from 'fast-check'
import type { Door } from './acting.ts'
import type { Parts, Person } from './domain-door.ts'
import { perform } from './domain-door.ts'
import type { Reply } from './ledger.ts'
import type { Life, World } from './world.ts'

/**
 * Deeds that are done at the same time, in whatever order the scheduler takes: it decides when each begins,
 * and when it hears of each answer of the store and of the hasher, between which the others go on.
 */
export function interleave(world: World, person: Person, scheduler: Scheduler): Door {
  const turn = (name: string): Promise<void> => scheduler.schedule(Promise.resolve(), name)
  return {
    turn: ({ kind }) => turn(kind),
    together: async (deeds) => void (await scheduler.waitFor(Promise.all(deeds))),
    advanceMs: world.advanceMs,
    ask: async (facts, { isLost }) => {
      const life = await world.life()
      const performed = perform(paceParts(life, scheduler), person, facts)
      const reply = await Promise.race([performed, afterCrash(life)])
      return isLost ? lost : reply
    },
    rotateKeys: async () => {
      const life = await world.life()
      const rotated = life.keyring.rotate().catch((error: unknown) => {
        if (!life.isOver()) throw error
      })
      await Promise.race([rotated, life.over])
    },
    disturb: world.crash,
    untilWhole: async () => undefined,
  }
}

const lost: Reply = { kind: 'unknown', isOver: true }

async function afterCrash(life: Life): Promise<Reply> {
  await life.over
  return lost
}

function paceParts(life: Life, scheduler: Scheduler): Parts {
  const { parts } = life
  const { whenFull, ...hashing } = parts.passwords
  const pace = <Verbs extends object>(verbs: Verbs): Verbs => {
    const paced = Object.entries(verbs).map(([name, verb]) => [
      name,
      paceVerb(name, verb as Verb, scheduler, life),
    ])
    return Object.fromEntries(paced) as Verbs
  }
  return {
    ...parts,
    accounts: pace(parts.accounts),
    clients: pace(parts.clients),
    sessions: pace(parts.sessions),
    passwords: { ...pace(hashing), whenFull },
  }
}

type Verb = (...parameters: readonly unknown[]) => Promise<unknown>

function paceVerb(name: string, verb: Verb, scheduler: Scheduler, { isOver, over }: Life): Verb {
  return async (...parameters) => {
    const result = verb(...parameters)
    // A pool that closes leaves some of its callers waiting for a connection that never comes.
    await scheduler.schedule(Promise.race([result.then(ignore, ignore), over]), name)
    // What has crashed never hears of it.
    return isOver() ? new Promise(ignore) : result
  }
}

function ignore(): void {
  // Whoever asked gets it from the promise itself.
}
