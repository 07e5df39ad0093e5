import type { SoakReport } from './run.ts'

/** A few megabytes: what the runtime itself needs differently from one moment to the next. */
const growthBytesMax = 6 * 2 ** 20
/** One at the start, what unknown kids may take at once, and what a rotation and a max-age add. */
const keySetFetchesAlways = 8

const documents = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/jwks.json',
  '/.well-known/revocation-keys.json',
  '/revocations/snapshot',
  '/revocations/stream',
]

/** What does not hold; nothing when all is well. */
export function faultsIn(report: SoakReport): readonly string[] {
  const { heapBytesEarly, heapBytesLate, keySetFetches, seconds, addresses, issuer } = report
  const growth = heapBytesLate - heapBytesEarly
  // Unknown kids get one fetch a second for as long as they keep coming.
  const fetchesMax = keySetFetchesAlways + Math.ceil(seconds)
  const known = new Set(documents.map((path) => issuer + path))
  return [
    growth > growthBytesMax ? [`the heap grew by ${megabytes(growth)}`] : [],
    keySetFetches > fetchesMax
      ? [`${keySetFetches} fetches of the key set in ${seconds.toFixed(0)} s`]
      : [],
    [...addresses].filter((url) => !known.has(url)).map((url) => `asked ${url}`),
    report.sent.size < 12 ? [`only ${report.sent.size} kinds of tokens were sent`] : [],
  ].flat()
}

export function summaryOf(report: SoakReport): string {
  const sent = [...report.sent].map(([kind, count]) => `${count} ${kind}`).join(', ')
  const heap = `${megabytes(report.heapBytesEarly)} early, ${megabytes(report.heapBytesLate)} late`
  const time = `${report.seconds.toFixed(1)} s, ${report.keySetFetches} fetches of the key set`
  return `${sent}; heap ${heap}; ${time}`
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
