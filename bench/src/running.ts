import type { Contestant } from './rounds.ts'

/** A contestant that lives in a process of its own, and how that ends. */
export interface Running {
  readonly contestant: Contestant
  readonly end: () => Promise<void>
}

export async function endAll(all: readonly Running[]): Promise<void> {
  for (const { end } of all) await end()
}
