/** Where milliseconds stand on a line: each step is as wide as any other, so that 8 ms and 8 s both can be read. */
export interface Scale {
  /** Beginning with 0. */
  readonly ticksMs: readonly number[]
  /** From 0 to 1. */
  readonly placeOf: (ms: number) => number
}

/** As identity counts latencies, and on. */
const boundsMs = [
  5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000, 300_000, 3_600_000,
]
const stepsMin = 5

export function scaleTo(slowestMs: number): Scale {
  const needed = boundsMs.findIndex((bound) => bound >= slowestMs) + 1
  const steps = Math.max(stepsMin, needed === 0 ? boundsMs.length : needed)
  const ticksMs = [0, ...boundsMs.slice(0, steps)]
  return {
    ticksMs,
    placeOf: (ms) => {
      const step = ticksMs.findIndex((tick) => tick >= ms)
      if (step === -1) return 1
      const [from = 0, to = 0] = ticksMs.slice(Math.max(0, step - 1), step + 1)
      return step === 0 ? 0 : (step - 1 + (ms - from) / (to - from)) / steps
    },
  }
}

/** Where a label begins and ends, in pixels. */
export interface LabelSpan {
  readonly from: number
  readonly to: number
}

const labelGap = 8

/** Of labels in a row those that do not touch each other: the last, and before it as many as there is room for. */
export function labelsThatFit<Label extends LabelSpan>(labels: readonly Label[]): readonly Label[] {
  const last = labels.at(-1)
  if (last === undefined) return []
  const kept: Label[] = []
  for (const label of labels.slice(0, -1)) {
    const isClear = label.from >= (kept.at(-1)?.to ?? -Infinity) + labelGap
    if (isClear && label.to + labelGap <= last.from) kept.push(label)
  }
  return [...kept, last]
}
