/** What one operation took in one round, in microseconds. */
export interface Sample {
  readonly wallUs: number
  /** Of the whole process: a library that uses other threads pays for them. */
  readonly cpuUs: number
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Row extends Spread {
  readonly name: string
  readonly unit: string
  /** The CPU time beside the wall time, in the same unit. */
  readonly cpu?: Spread
}

export interface Ratio extends Spread {
  readonly name: string
}

/** Something that must be reached, or that we would like to reach. */
export interface Goal {
  readonly what: string
  readonly found: number
  readonly atLeast?: number
  readonly atMost?: number
  readonly reached: boolean
}

export interface Findings {
  readonly rows: readonly Row[]
  /** Of CPU times in the same round. */
  readonly ratios: readonly Ratio[]
  readonly mustReach: readonly Goal[]
  readonly moonshots: readonly Goal[]
  /** What the figures do not show. */
  readonly notes: readonly string[]
}

export function timeRow(name: string, samples: readonly Sample[], unit: 'µs' | 'ns' = 'µs'): Row {
  const scale = unit === 'ns' ? 1000 : 1
  const wall = spreadOf(samples.map(({ wallUs }) => wallUs * scale))
  return { name, unit, ...wall, cpu: spreadOf(samples.map(({ cpuUs }) => cpuUs * scale)) }
}

/** How many there were in a second, and beside it how many in a second of CPU time: of one core. */
export function rateRow(name: string, samples: readonly Sample[]): Row {
  return {
    name,
    unit: '/s',
    ...spreadOf(samples.map(({ wallUs }) => perSecond(wallUs))),
    cpu: spreadOf(samples.map(({ cpuUs }) => perSecond(cpuUs))),
  }
}

/** A second of one core where the time is CPU time. */
export function perSecond(eachUs: number): number {
  return 1e6 / eachUs
}

export function medianCpuUs(samples: readonly Sample[]): number {
  return spreadOf(samples.map(({ cpuUs }) => cpuUs)).median
}

/** How many times as long the first took as the second, each round by itself. */
export function ratioOf(name: string, of: readonly Sample[], to: readonly Sample[]): Ratio {
  return { name, ...spreadOf(paired(of, to, (one, other) => one.cpuUs / other.cpuUs)) }
}

/** What is left of each round without what another contestant took in it. */
export function less(samples: readonly Sample[], base: readonly Sample[]): readonly Sample[] {
  return paired(samples, base, (one, other) => ({
    wallUs: one.wallUs - other.wallUs,
    cpuUs: one.cpuUs - other.cpuUs,
  }))
}

export function atLeast(what: string, found: number, limit: number): Goal {
  return { what, found: rounded(found), atLeast: limit, reached: found >= limit }
}

export function atMost(what: string, found: number, limit: number): Goal {
  return { what, found: rounded(found), atMost: limit, reached: found <= limit }
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = (sorted.length - 1) / 2
  const low = sorted[Math.floor(middle)]
  const high = sorted[Math.ceil(middle)]
  if (low === undefined || high === undefined) throw new TypeError('nothing was measured')
  return {
    median: rounded((low + high) / 2),
    min: rounded(sorted[0] ?? low),
    max: rounded(sorted.at(-1) ?? high),
  }
}

/** The value that this share of them does not exceed. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const found = sorted[Math.ceil(sorted.length * share) - 1]
  if (found === undefined) throw new TypeError('nothing was measured')
  return found
}

export function samplesOf(
  all: ReadonlyMap<string, readonly Sample[]>,
  name: string,
): readonly Sample[] {
  const samples = all.get(name)
  if (samples === undefined) throw new TypeError(`${name} was not measured`)
  return samples
}

function paired<Result>(
  ones: readonly Sample[],
  others: readonly Sample[],
  combine: (one: Sample, other: Sample) => Result,
): readonly Result[] {
  return ones.map((one, round) => {
    const other = others[round]
    if (other === undefined) throw new TypeError('the two were not measured in the same rounds')
    return combine(one, other)
  })
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
