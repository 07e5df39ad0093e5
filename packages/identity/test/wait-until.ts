import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'

/** For what happens behind an answer: looks again and again, for a while. */
export async function waitUntil(
  isReached: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await isReached())) {
    assert.ok(performance.now() < deadline, `never happened: ${what}`)
    await setTimeout(5)
  }
}
