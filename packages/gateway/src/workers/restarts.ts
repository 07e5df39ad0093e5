/** A worker that has lived so long was sound. */
const soundMs = 10_000
const delayMsFirst = 200
const failuresMax = 6

/** How often one worker in a row has ended soon after its start. */
export interface Restarts {
  /** After how many milliseconds another one takes its place; undefined: never, it is of no use. */
  readonly afterEnd: (livedMs: number) => number | undefined
}

/** At once after a sound life, then 0.2 s, twice as long each time; the sixth short life is the last, after some six seconds. */
export function createRestarts(): Restarts {
  let failures = 0
  return {
    afterEnd: (livedMs) => {
      failures = livedMs >= soundMs ? 0 : failures + 1
      if (failures === failuresMax) return undefined
      return failures === 0 ? 0 : delayMsFirst * 2 ** (failures - 1)
    },
  }
}
