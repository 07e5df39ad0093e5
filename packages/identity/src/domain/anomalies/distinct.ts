import { createHash } from 'node:crypto'

/** Which different ones there were, by pieces of a window, the latest last: so many more than `Marks` remember. */
export type Distinct = readonly (readonly [from: number, marks: readonly string[]])[]

/** Of a few thousand hardly two have the same. */
const markCharacters = 4
/** Of one piece: some ten kilobytes. No office has so many. */
const marksMax = 2000

export function withDistinct(
  distinct: Distinct,
  name: string,
  {
    at,
    windowMs,
    pieces,
  }: { readonly at: number; readonly windowMs: number; readonly pieces: number },
): Distinct {
  const pieceMs = windowMs / pieces
  const from = Math.floor(at / pieceMs) * pieceMs
  const mark = createHash('sha256').update(name).digest('base64url').slice(0, markCharacters)
  const live = distinct.filter(([begin]) => begin > at - windowMs - pieceMs && begin !== from)
  const marks = distinct.find(([begin]) => begin === from)?.[1] ?? []
  const isKept = !marks.includes(mark) && marks.length < marksMax
  return [...live, [from, isKept ? [...marks, mark] : marks] as const]
}

export function countOf(distinct: Distinct, at: number, windowMs: number): number {
  const live = distinct.filter(([from]) => from > at - windowMs)
  return new Set(live.flatMap(([, marks]) => marks)).size
}
