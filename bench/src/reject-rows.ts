import type { Row } from './findings.ts'
import { percentileOf, spreadOf } from './findings.ts'

/** What was measured in one part of a run. */
type Part = readonly number[]

/** The figures of all parts together, between the least and the greatest of one part. */
export function quantileRows(name: string, parts: readonly Part[]): readonly Row[] {
  return [0.5, 0.99, 1].map((share) => quantileRow(name, parts, share))
}

export function quantileRow(name: string, parts: readonly Part[], share: number): Row {
  const { min, max } = spreadOf(parts.map((part) => percentileOf(part, share)))
  const median = Number(percentileOf(parts.flat(), share).toPrecision(4))
  const label = share === 1 ? 'the last' : `p${share * 100}`
  return { name: `${name}, ${label}`, unit: 'ms', median, min, max }
}

/** For what was not measured in parts. */
export function inParts(values: readonly number[], parts = 5): readonly Part[] {
  const size = Math.max(1, Math.ceil(values.length / parts))
  return Array.from({ length: Math.ceil(values.length / size) }, (_, at) =>
    values.slice(at * size, (at + 1) * size),
  )
}
