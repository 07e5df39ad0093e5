import type { Mark } from './lanes.ts'
import type { Scale } from './scale.ts'

export interface PlacedMark {
  readonly mark: Mark
  readonly x: number
  readonly y: number
  /** Where on the way from 0 to the slowest: it appears in that order. */
  readonly share: number
}

export interface Stacks {
  readonly placed: readonly PlacedMark[]
  readonly diameter: number
  readonly height: number
}

export interface StackRoom {
  /** Of the scale. */
  readonly width: number
  /** Beyond it, for those that have not said so. */
  readonly waitingWidth: number
  readonly heightMax: number
  readonly scale: Scale
}

const diameters = [12, 10, 8, 6, 5, 4, 3, 2]
const gapShare = 0.2

/** Those of about the same time stand on each other, as large as there is room for. */
export function stack(marks: readonly Mark[], room: StackRoom): Stacks {
  let stacks = stackAt(marks, room, diameters[0] ?? 1)
  for (const diameter of diameters) {
    stacks = stackAt(marks, room, diameter)
    if (stacks.height <= room.heightMax) break
  }
  return stacks
}

function stackAt(
  marks: readonly Mark[],
  { width, waitingWidth, scale }: StackRoom,
  diameter: number,
): Stacks {
  const pitch = diameter * (1 + gapShare)
  const columns = Math.max(1, Math.floor(width / pitch))
  const waitingColumns = Math.max(1, Math.floor(waitingWidth / pitch) - 1)
  const heights = new Map<number, number>()
  let waiting = 0
  const cells = marks.map((mark) => {
    const { afterMs } = mark
    const share = afterMs === undefined ? 1 : scale.placeOf(afterMs)
    const isWaiting = afterMs === undefined
    const column = isWaiting
      ? columns + 1 + (waiting++ % waitingColumns)
      : Math.min(columns - 1, Math.floor(share * columns))
    const row = heights.get(column) ?? 0
    heights.set(column, row + 1)
    const x = isWaiting
      ? width + pitch * (column - columns)
      : Math.min(width - diameter / 2, Math.max(diameter / 2, (column + 0.5) * (width / columns)))
    return { mark, x, row, share }
  })
  const height = Math.max(1, ...heights.values()) * pitch
  const placed = cells.map(({ row, ...cell }) => ({ ...cell, y: height - (row + 0.5) * pitch }))
  return { placed, diameter, height }
}
