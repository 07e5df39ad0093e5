import type { Assessed } from './assessment.ts'
import type { Received } from './comparison.ts'
import { batchNumberOf } from './grammar.ts'

/** Where what services get is laid beside the batch that it belongs to. */
export interface Desk {
  readonly request: (tag: string, received: Received) => void
  readonly note: (fault: string) => void
  /** The first that was noted and belongs to no batch that is open. */
  readonly fault: () => string | undefined
  /** By tag, as it comes. */
  readonly open: (batch: number) => Map<string, Received[]>
  /** From now on whatever comes is late. */
  readonly close: (batch: number, faultOfLate: Assessed['faultOfLate']) => void
}

/** Of so many that are over it is known what may still come. */
const batchesMax = 5000

interface OnDesk {
  readonly received: Map<string, Received[]>
  faultOfLate: Assessed['faultOfLate'] | undefined
}

export function createDesk(): Desk {
  const batches = new Map<number, OnDesk>()
  const faults: string[] = []
  return {
    note: (fault) => void faults.push(fault),
    fault: () => faults[0],
    request: (tag, received) => {
      const batch = batches.get(batchNumberOf(tag))
      if (batch === undefined) {
        faults.push(`${received.service} got what nobody has sent: ${received.message.target}`)
      } else if (batch.faultOfLate === undefined) {
        batch.received.set(tag, [...(batch.received.get(tag) ?? []), received])
      } else {
        const fault = batch.faultOfLate(tag, received)
        if (fault !== undefined) faults.push(fault)
      }
    },
    open: (number) => {
      const received = new Map<string, Received[]>()
      batches.set(number, { received, faultOfLate: undefined })
      return received
    },
    close: (number, faultOfLate) => {
      const batch = batches.get(number)
      if (batch !== undefined) batch.faultOfLate = faultOfLate
      const [oldest] = batches.keys()
      if (batches.size > batchesMax && oldest !== undefined) batches.delete(oldest)
    },
  }
}
