import type { Chance } from './chance.ts'
import type { CallMoment, CallName } from './door.ts'
import type { Wish } from './load.ts'

/** How long the last call of each name took, in milliseconds. */
export type CallPace = Map<CallName, number>

/** When a kill comes: a while after the load has begun, or at a moment of one chosen call. */
export interface KillMoment {
  /** To be called with the load under way. */
  readonly arm: (wish: Wish) => void
  readonly onMoment: (moment: CallMoment, name: CallName, elapsedMs: number) => void
  readonly disarm: () => void
}

const hitNames: readonly [CallName, ...CallName[]] = [
  'refresh',
  'refresh',
  'login',
  'logout',
  'end-session',
  'logout-everywhere',
  'password-change',
  'block',
  'unblock',
  'rotate-keys',
]
const armMsMin = 30
const armMsMax = 350
/** When what was waited for does not happen, the kill comes all the same. */
const patienceMs = 300
/** A commit stands at the end of its call: kills that are to hit one come in the last milliseconds. */
const lastMs = 5
const unknownPaceMs = 3

export function chooseKillMoment(chance: Chance, pace: CallPace, kill: () => void): KillMoment {
  const armMs = chance.integer(armMsMin, armMsMax)
  const hit = chance.pick(['any', 'sent', 'sent', 'sent', 'sent', 'answered'] as const)
  const wanted = chance.pick(hitNames)
  const earlier = chance.integer(0, 100) / 100
  const timers: NodeJS.Timeout[] = []
  const after = (ms: number, step: () => void): void => void timers.push(setTimeout(step, ms))
  let isArmed = false
  let isOver = false
  // What is due after this life must not hit the next.
  const killIfAlive = (): void => {
    if (!isOver) kill()
  }
  return {
    arm: (wish) =>
      after(armMs, () => {
        if (hit === 'any') return kill()
        isArmed = true
        wish.call = wanted
        after(patienceMs, kill)
      }),
    onMoment: (moment, name, elapsedMs) => {
      if (isArmed && moment === hit && name === wanted) {
        isArmed = false
        const typicalMs = pace.get(name) ?? unknownPaceMs
        // At once means at once: the next answers must not come in before it.
        if (hit === 'answered') kill()
        else {
          const dueMs = performance.now() + typicalMs - earlier * Math.min(typicalMs, lastMs)
          killAt(dueMs, killIfAlive)
        }
      }
      if (moment === 'answered') pace.set(name, elapsedMs)
    },
    disarm: () => {
      isOver = true
      timers.forEach((timer) => clearTimeout(timer))
    },
  }
}

/** Timers are exact to a millisecond, and a commit may take less. */
function killAt(dueMs: number, kill: () => void): void {
  if (performance.now() >= dueMs) kill()
  else setImmediate(killAt, dueMs, kill)
}
