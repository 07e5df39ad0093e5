import type { HighWater, HighWaterMark } from '../../packages/identity/src/store/high-water.ts'

/** What stands for the file beside a database: it outlives processes. */
export interface HighWaterFile {
  mark: HighWaterMark | undefined
}

export function highWaterIn(file: HighWaterFile, pause: () => Promise<void>): HighWater {
  return {
    isKept: true,
    read: () => file.mark,
    raise: async (mark) => {
      await pause()
      const { mark: known } = file
      file.mark =
        known?.epoch === mark.epoch
          ? { ...mark, seq: Math.max(known.seq, mark.seq), at: Math.max(known.at, mark.at) }
          : mark
    },
  }
}
