/** What was seen: how often each kind of answer came, what is wrong, and how long what had to end still went on. */
export interface Book {
  readonly counts: Map<string, number>
  readonly faults: string[]
  readonly count: (kind: string) => void
  readonly fault: (text: string) => void
  /** What the log of the gateway says of a request whose service has failed; the last of them. */
  readonly failures: Map<string, string>
  readonly noteFailure: (requestId: string, text: string) => void
  /** Keeps the longest of them. */
  readonly lasted: (what: string, ms: number) => void
  readonly longest: Map<string, number>
  readonly wrong: () => number
}

/** So many are told; all are counted. */
const faultsToldMax = 50
const failuresKept = 2000

export function openBook(onFault: (text: string) => void): Book {
  const counts = new Map<string, number>()
  const longest = new Map<string, number>()
  const faults: string[] = []
  const failures = new Map<string, string>()
  let wrong = 0
  return {
    counts,
    faults,
    failures,
    noteFailure: (requestId, text) => {
      failures.set(requestId, text)
      const [oldest] = failures.keys()
      if (failures.size > failuresKept && oldest !== undefined) failures.delete(oldest)
    },
    longest,
    count: (kind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1),
    fault: (text) => {
      wrong += 1
      if (faults.length >= faultsToldMax) return
      faults.push(text)
      onFault(text)
    },
    lasted: (what, ms) => void longest.set(what, Math.max(longest.get(what) ?? 0, ms)),
    wrong: () => wrong,
  }
}
