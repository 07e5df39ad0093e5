import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { Column } from '../src/remote/table.ts'
import { printJsonList, printTable } from '../src/remote/table.ts'

const nameColumn: Column<string> = { title: 'NAME', of: (name) => name }
const columns: readonly Column<string>[] = [
  nameColumn,
  { title: 'LONG', of: (name) => name.length > 3 },
  { title: 'AT', of: (name) => (name === '' ? undefined : new Date(0)) },
]

async function printed(print: (output: PassThrough) => Promise<void>): Promise<string> {
  const output = new PassThrough({ highWaterMark: 16 })
  const read = text(output)
  await print(output)
  output.end()
  return read
}

test('a table has a title for every column and a line for every row', async () => {
  const table = await printed((output) => printTable(['anna', 'bo', ''], columns, output))
  assert.deepEqual(table.split('\n'), [
    'NAME  LONG  AT',
    'anna  yes   1970-01-01T00:00:00Z',
    'bo          1970-01-01T00:00:00Z',
    '',
    '',
  ])
})

test('what others wrote moves no cursor, hides nothing and begins no line', async () => {
  const hostile = 'a\u001b[2Jb\r\nc\u0000d\u202ee\u009bf\u2028g'
  const table = await printed((output) => printTable([hostile], [nameColumn], output))
  assert.equal(table, 'NAME\na?[2Jb??c?d?e?f?g\n')
})

test('a long table is printed while it comes, and keeps its width', async () => {
  const output = new PassThrough()
  const seen: string[] = []
  output.on('data', (chunk: Buffer) => seen.push(chunk.toString()))
  let given = 0
  async function* names(): AsyncGenerator<string> {
    for (; given < 1000; given += 1) yield `user-${given}`
    assert.ok(seen.join('').split('\n').length > 700, 'nothing was printed before the end')
  }
  const two = [nameColumn, { title: 'SAME', of: (name: string) => name }]
  await printTable(names(), two, output)
  const lines = seen.join('').trimEnd().split('\n')
  assert.equal(lines.length, 1001)
  assert.equal(lines[1000], 'user-999  user-999')
})

test('a list for programs is one document, also when it is empty', async () => {
  const full = await printed((output) => printJsonList('names', [{ a: 1 }, { a: 'x\n' }], output))
  assert.deepEqual(JSON.parse(full), { names: [{ a: 1 }, { a: 'x\n' }] })
  assert.equal(full.split('\n').length, 5)
  const empty = await printed((output) => printJsonList('names', [], output))
  assert.deepEqual(JSON.parse(empty), { names: [] })
})
