import type { Writable } from 'node:stream'
import { printable } from '../printable.ts'
import { write } from './written.ts'

/** A column of a table for people. Times are told as RFC 3339, to the second. */
export interface Column<Item> {
  readonly title: string
  readonly of: (item: Item) => string | Date | boolean | readonly string[] | undefined
}

/** Rows that are looked at together, so that a list of any length needs little memory. */
const groupMax = 200

/** Prints each row when its group is there. Of others' text nothing is printed that a terminal would obey. */
export async function printTable<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  columns: readonly Column<Item>[],
  output: Writable,
): Promise<void> {
  let group: (readonly string[])[] = [columns.map(({ title }) => title)]
  let widths: readonly number[] = columns.map(() => 0)
  const flush = async (): Promise<void> => {
    // A later group may be wider, and never narrower.
    widths = widths.map((width, at) => Math.max(width, ...group.map((row) => row[at]?.length ?? 0)))
    await write(output, group.map((row) => lineOf(row, widths)).join(''))
    group = []
  }
  for await (const item of items) {
    group.push(columns.map(({ of }) => textOf(of(item))))
    if (group.length > groupMax) await flush()
  }
  await flush()
}

function textOf(value: ReturnType<Column<never>['of']>): string {
  if (value === undefined) return ''
  if (value instanceof Date) return value.toISOString().replace(/\.\d+/, '')
  if (typeof value === 'boolean') return value ? 'yes' : ''
  return printable(typeof value === 'string' ? value : value.join(' '))
}

function lineOf(row: readonly string[], widths: readonly number[]): string {
  const line = row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')
  return `${line.trimEnd()}\n`
}

/** One JSON document with everything in a list, for programs; each entry is written when it is there. */
export async function printJsonList(
  name: string,
  items: AsyncIterable<object> | Iterable<object>,
  output: Writable,
): Promise<void> {
  let separator = `{${JSON.stringify(name)}:[`
  let isEmpty = true
  for await (const item of items) {
    await write(output, `${separator}\n${JSON.stringify(item)}`)
    separator = ','
    isEmpty = false
  }
  await write(output, isEmpty ? `${separator}]}\n` : '\n]}\n')
}
