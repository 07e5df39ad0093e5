/** What was seen of something, each with when it was last seen, the latest last. */
export type Marks = readonly (readonly [mark: string, at: number])[]

/** The mark is the latest; what is older than the window, or too much, is forgotten. */
export function withMark(
  marks: Marks,
  mark: string,
  { at, windowMs, max }: { readonly at: number; readonly windowMs: number; readonly max: number },
): Marks {
  const others = marks.filter(([name, seenAt]) => name !== mark && seenAt > at - windowMs)
  return [...others, [mark, at] as const].slice(-max)
}

export function withoutMark(marks: Marks, mark: string): Marks {
  return marks.some(([name]) => name === mark) ? marks.filter(([name]) => name !== mark) : marks
}

export function isMarked(marks: Marks, mark: string): boolean {
  return marks.some(([name]) => name === mark)
}

/** Counts by pieces of a window, the latest last, so that old ones can be forgotten. */
export type Tallies = readonly (readonly [from: number, count: number])[]

export function withTally(
  tallies: Tallies,
  times: number,
  {
    at,
    windowMs,
    pieces,
  }: { readonly at: number; readonly windowMs: number; readonly pieces: number },
): Tallies {
  const pieceMs = windowMs / pieces
  const from = Math.floor(at / pieceMs) * pieceMs
  const live = tallies.filter(([begin]) => begin > at - windowMs - pieceMs && begin !== from)
  const count = tallies.find(([begin]) => begin === from)?.[1] ?? 0
  return [...live, [from, count + times] as const]
}

export function sumOf(
  tallies: Tallies,
  at: number,
  windowMs: number,
  pieceMax: number = Infinity,
): number {
  return tallies.reduce(
    (sum, [from, count]) => (from > at - windowMs ? sum + Math.min(count, pieceMax) : sum),
    0,
  )
}
