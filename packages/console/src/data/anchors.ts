/** Places of the audit record that were noted elsewhere: `<chain>:<seq>:<mac>`, as the log tells them. */
export interface FoundAnchors {
  /** Those that are checked. */
  readonly anchors: readonly string[]
  /** Lines that should have one, and whose anchor is cut or misspelt; the first is 1. */
  readonly unreadable: readonly number[]
}

const anchorPattern = /(?<![\w-])([\w-]{22}):(\d{1,15}):[\w-]{43}(?![\w-])/g
const attemptPattern = /auditAnchor|^\s*[\w-]+:\d*:?[\w-]*\s*$/
/** Of the API. */
export const anchorsMax = 100

/** In a list of them, or in the lines of a log, among others. */
export function anchorsIn(text: string): FoundAnchors {
  const found = new Set<string>()
  const unreadable: number[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const anchors = line.match(anchorPattern) ?? []
    for (const anchor of anchors) found.add(anchor)
    if (anchors.length === 0 && attemptPattern.test(line)) unreadable.push(index + 1)
  }
  return { anchors: found.size > anchorsMax ? latestOfChains(found) : [...found], unreadable }
}

/** Each record seals the one before it, so that the latest speaks for the others of its chain. */
function latestOfChains(anchors: Iterable<string>): readonly string[] {
  const latest = new Map<string, string>()
  for (const anchor of anchors) {
    const [chain = ''] = anchor.split(':')
    const known = latest.get(chain)
    if (known === undefined || seqOf(anchor) > seqOf(known)) latest.set(chain, anchor)
  }
  return [...latest.values()]
}

function seqOf(anchor: string): number {
  return Number(anchor.split(':')[1])
}
