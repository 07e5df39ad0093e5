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

/** Each stands where its time is; those that would touch stand on each other, as large as there is room for. */
export function stack(marks: readonly Mark[], room: StackRoom): Stacks {
  let stacks = stackAt(marks, room, diameters[0] ?? 1)
  for (const diameter of diameters) {
    stacks = stackAt(marks, room, diameter)
    if (stacks.height <= room.heightMax) break
  }
  return stacks
}

function pitchOf(diameter: number): number {
  return diameter * (1 + gapShare)
}

interface Cell extends Omit<PlacedMark, 'y'> {
  readonly row: number
}

function stackAt(marks: readonly Mark[], room: StackRoom, diameter: number): Stacks {
  const pitch = pitchOf(diameter)
  const cells = [...timedCells(marks, room, diameter), ...waitingCells(marks, room, pitch)]
  const height = (1 + cells.reduce((most, { row }) => Math.max(most, row), 0)) * pitch
  const placed = cells.map(({ row, ...cell }) => ({ ...cell, y: height - (row + 0.5) * pitch }))
  return { placed, diameter, height }
}

function timedCells(
  marks: readonly Mark[],
  { width, heightMax, scale }: StackRoom,
  diameter: number,
): readonly Cell[] {
  const pitch = pitchOf(diameter)
  const radius = diameter / 2
  const right = Math.max(radius, width - radius)
  const timed = marks.flatMap((mark) => {
    if (mark.afterMs === undefined) return []
    const share = scale.placeOf(mark.afterMs)
    return [{ mark, share, x: Math.min(right, Math.max(radius, share * width)) }]
  })
  const isSmallest = diameter === diameters.at(-1)
  const rowsMax = isSmallest ? Math.max(1, Math.floor(heightMax / pitch)) : Infinity
  /** Of each row, where the last stands. */
  const ends: number[] = []
  const cells = timed
    .toSorted((one, other) => one.x - other.x)
    .map((cell) => {
      const free = ends.findIndex((end) => cell.x - end >= pitch)
      const isFull = free === -1 && ends.length >= rowsMax
      // Where hundreds are of one moment they stand beside each other as well.
      const row = isFull ? indexOfLeast(ends) : free === -1 ? ends.length : free
      const x = isFull ? (ends[row] ?? 0) + pitch : cell.x
      ends[row] = x
      return { ...cell, x, row }
    })
  return pushedBack(cells, right, pitch)
}

function indexOfLeast(numbers: readonly number[]): number {
  return numbers.indexOf(numbers.reduce((least, one) => Math.min(least, one), Infinity))
}

/** Who was pushed out at the end of the scale pushes those before. */
function pushedBack(cells: readonly Cell[], right: number, pitch: number): readonly Cell[] {
  const limits = new Map<number, number>()
  return cells
    .toReversed()
    .map((cell) => {
      const x = Math.min(cell.x, limits.get(cell.row) ?? right)
      limits.set(cell.row, x - pitch)
      return { ...cell, x }
    })
    .toReversed()
}

function waitingCells(
  marks: readonly Mark[],
  { width, waitingWidth }: StackRoom,
  pitch: number,
): readonly Cell[] {
  const columns = Math.max(1, Math.floor(waitingWidth / pitch) - 1)
  return marks
    .filter(({ afterMs }) => afterMs === undefined)
    .map((mark, at) => ({
      mark,
      share: 1,
      x: width + pitch * ((at % columns) + 1),
      row: Math.floor(at / columns),
    }))
}
