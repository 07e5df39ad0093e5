import { growthOf, heapGrowthBytesMax, leakSeen, residentGrowthBytesMax } from './flatness.ts'
import type { SoakReport } from './run.ts'
import { mebibytes, told } from './run.ts'

/** What must have happened, or the run proves nothing about it. */
const wanted = [
  'GET',
  'POST',
  'public GET',
  'upload',
  'download',
  'events',
  'messages over WebSockets',
  'GET by an ended session: refused by its token',
  'restarts of a service by ',
  'reloads: ',
  'bad files: ',
  'key rotations',
  'sessions ended',
  'refreshes',
  'clients that left ',
  'WebSocket: ended with its ',
  'events: ended with its ',
]

/** What does not hold; nothing when all is well. */
export function faultsIn(report: SoakReport): readonly string[] {
  const { faults, wrong, counts, samples, openFilesBefore, openFilesAfter } = report
  const growth = growthOf(samples)
  const kinds = [...counts.keys()]
  return [
    faults,
    wrong > faults.length ? [`${wrong - faults.length} more wrong answers`] : [],
    growth.heapBytes > heapGrowthBytesMax ? [`the heap grew: ${mebibytes(growth)}`] : [],
    growth.residentBytes > residentGrowthBytesMax ? [`the process grew: ${mebibytes(growth)}`] : [],
    openFilesAfter.sockets > openFilesBefore.sockets || openFilesAfter.all > openFilesBefore.all
      ? [`files are left open: ${filesOf(report)}`]
      : [],
    wanted
      .filter((kind) => !kinds.some((found) => found.startsWith(kind)))
      .map((kind) => `never happened: ${kind}`),
  ].flat()
}

export function summaryOf(report: SoakReport): string {
  const { counts, longest, capacity, rate, seconds, samples, warnings, requestsLogged } = report
  const lines = [...counts].toSorted(([a], [b]) => a.localeCompare(b))
  const growth = growthOf(samples)
  return [
    ...lines.map(([kind, count]) => `${count} ${kind}`),
    ...[...warnings].map(([text, count]) => `${count} times in the log: ${text}`),
    ...[...longest].map(([what, ms]) => `${what}: at most ${ms} ms`),
    `at first ${told(capacity)}; then ${told(rate)} for ${seconds.toFixed(0)} s`,
    `${requestsLogged} requests in the log; open files and sockets ${filesOf(report)}`,
    `from the second to the last third: ${mebibytes(growth)}; ${leakSeen(requestsLogged).toFixed(1)} octets of each request would be seen`,
    `${report.wrong} wrong answers`,
  ].join('\n')
}

function filesOf({ openFilesBefore: before, openFilesAfter: after }: SoakReport): string {
  return `${before.all} and ${before.sockets} before, ${after.all} and ${after.sockets} after`
}
