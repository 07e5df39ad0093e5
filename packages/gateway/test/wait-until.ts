import { setTimeout } from 'node:timers/promises'

/** For what happens behind an answer: looks again and again, and answers after how many milliseconds it was so. */
export async function waitUntil(
  isReached: () => boolean | Promise<boolean>,
  what: string,
  msMax = 5_000,
): Promise<number> {
  const startedAt = performance.now()
  while (!(await isReached())) {
    if (performance.now() - startedAt > msMax) throw new Error(`never happened: ${what}`)
    await setTimeout(2)
  }
  return performance.now() - startedAt
}
