/** From one moment to another, by the clock of this process. */
export interface Span {
  readonly fromMs: number
  readonly untilMs: number
}

/** So many are remembered: nothing that is judged began longer ago. */
const keptMax = 20

export function keepSpan<Kept extends Span>(spans: Kept[], span: Kept): void {
  spans.push(span)
  if (spans.length > keptMax) spans.shift()
}

/** Whether what was under way between these moments met one of them. */
export function metAny(spans: readonly Span[], fromMs: number, untilMs: number): boolean {
  return spans.some((span) => span.fromMs <= untilMs && span.untilMs >= fromMs)
}
