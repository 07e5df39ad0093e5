import assert from 'node:assert/strict'
import type { Repeat } from '../src/index.ts'

/** In place of time: a step is taken when the test says so. */
export interface ChosenRepeat {
  readonly repeat: Repeat
  /** Takes every step that is repeated, and waits until each has ended. */
  readonly step: () => Promise<void>
}

export function createChosenRepeat(): ChosenRepeat {
  const steps = new Set<() => Promise<void>>()
  return {
    repeat: (step) => {
      steps.add(step)
      return () => steps.delete(step)
    },
    step: async () => {
      assert.ok(steps.size > 0, 'nothing is repeated')
      await Promise.all(Array.from(steps, (step) => step()))
    },
  }
}
