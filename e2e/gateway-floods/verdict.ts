import type { FloodReport } from './run.ts'

/**
 * Of the time that 99 of 100 callers wait at most, beside a flood and at a gateway that is not flooded: without one
 * before, or meanwhile, where the flood and its kernel take their share of the machine from both.
 */
const ratioMax = 2
/** Where everybody waits so little, twice as long is the machine's own unrest. */
const alwaysGoodMs = 5

/** The middle one of the rounds: one of them may have met somebody else's work on this machine. */
function ratioOf({ rounds }: FloodReport): number {
  const ratios = rounds.map(
    ({ before, during, elsewhere }) => during.p99Ms / Math.max(before.p99Ms, elsewhere.p99Ms),
  )
  return ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? Infinity
}

/** What does not hold. Times are left out where the machine has other work. */
export function faultsIn(report: FloodReport, withTimes: boolean): readonly string[] {
  const { flood, rounds, residentGrowthBytes, socketsLeft, socketsMax, connected, errors } = report
  const failures = rounds.flatMap(({ before, during, elsewhere }) =>
    [before, during, elsewhere].flatMap((measured) => measured.failures),
  )
  const ratio = ratioOf(report)
  const isSlow = ratio > ratioMax && rounds.some(({ during }) => during.p99Ms > alwaysGoodMs)
  const faults = [
    failures.length > 0
      ? [`${failures.length} ordinary callers got ${[...new Set(failures)].join(', ')}`]
      : [],
    residentGrowthBytes > flood.residentBytesMax
      ? [`${mebibytes(residentGrowthBytes)} more, and ${mebibytes(flood.residentBytesMax)} may be`]
      : [],
    // A flood that never came proves nothing.
    connected < leastOf(report) ? [`only ${connected} connections came`] : [],
    socketsMax < flood.connections ? [`only ${socketsMax} connections at a time`] : [],
    socketsLeft > 0 ? [`${socketsLeft} connections are left`] : [],
    errors.length > 0 ? [`the log: ${[...new Set(errors)].join('; ')}`] : [],
    withTimes && isSlow ? [`callers wait ${ratio.toFixed(1)} times as long`] : [],
  ].flat()
  return faults.map((fault) => `${flood.kind}: ${fault}`)
}

/** Half of what it was to open in the time of the ordinary callers. */
function leastOf({ flood, rounds }: FloodReport): number {
  const seconds = rounds.reduce((sum, { during }) => sum + during.seconds, 0)
  return flood.connections * rounds.length + (flood.perSecond * seconds) / 2
}

export function lineOf(report: FloodReport): string {
  const { flood, rounds, residentGrowthBytes, socketsMax, connected } = report
  const times = rounds
    .map(
      ({ before, during, elsewhere }) =>
        `${before.p99Ms.toFixed(1)} → ${during.p99Ms.toFixed(1)} ms (${elsewhere.p99Ms.toFixed(1)} elsewhere)`,
    )
    .join(', ')
  const memory = `${mebibytes(residentGrowthBytes)} of ${mebibytes(flood.residentBytesMax)}`
  return `${flood.kind}: p99 ${times} (× ${ratioOf(report).toFixed(2)}); ${memory}; ${connected} came, ${socketsMax} sockets`
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`
}
