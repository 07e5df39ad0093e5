import type { KeptState, StateFile } from '../../packages/verify/src/revocation/state-file.ts'

/** What a service has on its disk. It outlives its processes. */
export interface StateDisk {
  kept: KeptState | undefined
  /** Whatever once stood there, the oldest first: any of them may be put back. */
  readonly copies: KeptState[]
}

const copiesMax = 8

/** A pause that whoever dies in it never comes back from. */
type Pause = () => Promise<void>

/** As production has it: until all of the next one is there, the one before is what stands there. */
export function stateFileOn(disk: StateDisk, pause: Pause): StateFile {
  return {
    read: async () => {
      await pause()
      return disk.kept
    },
    write: async (checkpoint, records) => {
      const parts: Buffer[] = []
      for (const part of records) {
        parts.push(part)
        await pause()
      }
      await pause()
      disk.kept = { checkpoint, records: Buffer.concat(parts) }
      disk.copies.push(disk.kept)
      if (disk.copies.length > copiesMax) disk.copies.shift()
      return disk.kept.records.length
    },
  }
}
