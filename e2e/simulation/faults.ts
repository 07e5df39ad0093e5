import { StoreUnavailableError } from '../../packages/identity/src/domain/store-unavailable.ts'

/** A promise that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** What goes wrong in this world because it was made to. */
export class SimulatedTrouble extends Error {
  override readonly name = 'SimulatedTrouble'
}

/**
 * For whoever goes on after an error, as production does: one that nobody has made to happen is a defect, of
 * production code or of this world, and breaks the schedule.
 */
export function noteFault({ faults }: { readonly faults: unknown[] }, error: unknown): void {
  if (error instanceof SimulatedTrouble || error instanceof StoreUnavailableError) return
  faults.push(error)
}
