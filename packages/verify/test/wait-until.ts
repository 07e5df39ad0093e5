import { setTimeout } from 'node:timers/promises'

/** For what happens behind an answer: looks again and again, for at most two seconds. */
export async function waitUntil(isReached: () => boolean, what: string): Promise<void> {
  for (let looks = 0; looks < 400; looks += 1) {
    if (isReached()) return
    await setTimeout(5)
  }
  throw new Error(`never happened: ${what}`)
}
