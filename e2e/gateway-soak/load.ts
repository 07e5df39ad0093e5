import { setTimeout } from 'node:timers/promises'
import { leaveEarly } from './leavers.ts'
import * as requests from './requests.ts'
import type { Scene } from './scene.ts'

interface Deed {
  /** How many times out of all the weights together. */
  readonly weight: number
  readonly run: (scene: Scene) => Promise<void>
}

const deeds: readonly [Deed, ...Deed[]] = [
  { weight: 400, run: requests.get },
  { weight: 200, run: requests.post },
  { weight: 150, run: requests.getPublic },
  { weight: 60, run: requests.getMarker },
  { weight: 40, run: requests.getWhenEnded },
  { weight: 30, run: requests.getFromOne },
  { weight: 20, run: requests.getRefused },
  { weight: 20, run: leaveEarly },
  { weight: 10, run: requests.getWhenExpired },
  { weight: 10, run: requests.getSlowly },
  { weight: 10, run: requests.upload },
  { weight: 10, run: requests.download },
]
const weights = deeds.reduce((sum, { weight }) => sum + weight, 0)

export interface Load {
  /** How many deeds were done. */
  readonly done: () => number
  readonly ended: Promise<void>
}

/** Each does one deed after the other, and all of them together so many a second, or as many as they can. */
export function load(scene: Scene, workers: number, perSecond: number): Load {
  let done = 0
  const turn = createPace(perSecond)
  const work = async (): Promise<void> => {
    while (!scene.isOver()) {
      await turn()
      await chooseDeed(scene).run(scene)
      done += 1
    }
  }
  const ended = Promise.all(Array.from({ length: workers }, work)).then(() => undefined)
  return { done: () => done, ended }
}

function chooseDeed({ chance }: Scene): Deed {
  let left = chance.integer(1, weights)
  for (const deed of deeds) {
    left -= deed.weight
    if (left <= 0) return deed
  }
  return deeds[0]
}

/** What could not be done in time is not made up for: that would be more than was meant. */
const lagMsMax = 100

function createPace(perSecond: number): () => Promise<void> {
  const stepMs = 1000 / perSecond
  let next = performance.now()
  return async () => {
    const now = performance.now()
    next = Math.max(next + stepMs, now - lagMsMax)
    if (next > now) await setTimeout(next - now)
  }
}
