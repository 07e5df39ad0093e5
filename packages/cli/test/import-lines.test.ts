import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountBytesMax, readAccount } from '../src/remote/import-accounts.ts'
import { readGroups } from '../src/remote/import-groups.ts'
import { readLines } from '../src/remote/import-lines.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function linesOf(
  bytes: Buffer,
  size: number,
): Promise<readonly (readonly [number, string | undefined])[]> {
  const lines: [number, string | undefined][] = []
  for await (const line of readLines(inChunks(bytes, size), 10)) {
    lines.push([line.number, line.bytes && Buffer.from(line.bytes).toString('utf8')])
  }
  return lines
}

test('lines are the same however the stream is cut, and one that is too long is not kept', async () => {
  const bytes = Buffer.from('one\n\nzwölf\r\nmuch too long\nexactly 10\nend')
  const expected = [
    [1, 'one'],
    [2, ''],
    [3, 'zwölf\r'],
    [4, undefined],
    [5, 'exactly 10'],
    [6, 'end'],
  ]
  for (let size = 1; size <= bytes.length; size += 1) {
    assert.deepEqual(await linesOf(bytes, size), expected, `chunks of ${size}`)
  }
  assert.deepEqual(await linesOf(Buffer.from('one\n'), 2), [[1, 'one']])
  assert.deepEqual(await linesOf(Buffer.alloc(0), 2), [])
})

/** 256 MiB. */
async function* withoutEnd(): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(65_536, 'a')
  for (let count = 0; count < 4096; count += 1) yield chunk
}

test('a line of 256 MiB passes through without staying', async () => {
  const before = process.memoryUsage().arrayBuffers
  for await (const line of readLines(withoutEnd(), accountBytesMax)) {
    assert.equal(line.bytes, undefined)
    const grown = process.memoryUsage().arrayBuffers - before
    assert.ok(grown < 64 * 1024 * 1024, `it took ${grown} bytes`)
  }
})

const unreadable: readonly (readonly [Buffer | string | undefined, RegExp])[] = [
  [undefined, /more than 12288 bytes/],
  [JSON.stringify({ identifier: 'a'.repeat(accountBytesMax) }), /more than 12288 bytes/],
  [Buffer.from('{"identifier":"zwölf"}', 'latin1'), /is not UTF-8/],
  ['identifier,hash', /is not JSON/],
  ['["alice"]', /is not a JSON object/],
  ['{"a":1,"a":2}', /two members of the same name/],
  ['{"a":{"b":{}}}', /nested too deeply/],
  ['{"a":1e999}', /number that is too large/],
  ['{"a":"\\ud800"}', /half of a surrogate/],
  ['{"a":["\\u0000"]}', /U\+0000/],
]

test('what identity would refuse together with its neighbours is said of the line alone', () => {
  assert.ok(unreadable.length > 0)
  for (const [text, why] of unreadable) {
    const bytes = text === undefined ? undefined : Buffer.from(text)
    const read = readAccount({ number: 7, bytes })
    assert.ok(read.kind === 'unreadable' && read.line === 7, String(text))
    assert.match(read.why, why)
  }
})

test('a byte order mark, white space and empty lines do no harm', () => {
  const marked = readAccount({ number: 1, bytes: Buffer.from('\ufeff {"identifier":"x"}\r') })
  assert.ok(marked.kind === 'account')
  assert.deepEqual({ ...marked.json }, { identifier: 'x' })
  assert.equal(readAccount({ number: 2, bytes: Buffer.from(' \r') }).kind, 'blank')
})

test('groups are as large as identity takes them, whatever the reason, and no line is in none', async () => {
  const reason = '\u0001'.repeat(500)
  const lines = Array.from({ length: 500 }, (_, number) =>
    number % 5 === 0 ? 'no JSON' : JSON.stringify({ identifier: 'ß'.repeat((number * 37) % 5000) }),
  )
  const found: number[] = []
  let groups = 0
  for await (const group of readGroups(inChunks(Buffer.from(lines.join('\n')), 1000), reason)) {
    groups += 1
    const accounts = group.accounts.map(({ json }) => json)
    const body = JSON.stringify({ accounts, dry_run: true, reason })
    assert.ok(Buffer.byteLength(body) <= 16 * 1024)
    const all = [...group.accounts, ...group.unreadable].map(({ line }) => line)
    assert.ok(all.length > 0 && all.length <= 100)
    found.push(...all)
  }
  assert.ok(groups > 50)
  assert.deepEqual(
    found.toSorted((one, other) => one - other),
    lines.map((_, index) => index + 1),
  )
})
