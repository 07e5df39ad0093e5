import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const text = readFileSync(new URL('wrong-uses.ts', import.meta.url), 'utf8')
const lines = text.split('\n')

/** The lines that must not compile, counted from 1, and the error that each waits for. */
const markers: ReadonlyMap<number, string> = new Map(
  lines.flatMap((line, at) => {
    const [, error] = /^\/\/ @ts-expect-error (TS\d+): \S/.exec(line) ?? []
    return error === undefined ? [] : [[at + 2, error] as const]
  }),
)
const wrongUsesMin = 46

test('every statement about the SDK is marked as one that must not compile', () => {
  const { program, errors } = parseSync('wrong-uses.ts', text)
  assert.deepEqual(errors, [])
  const statements = program.body
    .filter(({ type }) => type === 'ExpressionStatement')
    .map(({ start, end }) => {
      assert.ok(!text.slice(start, end).includes('\n'), 'a marker is for one line')
      return text.slice(0, start).split('\n').length
    })
  assert.deepEqual(statements, [...markers.keys()])
  assert.ok(statements.length >= wrongUsesMin, `only ${statements.length} were found`)
  const others = program.body.filter(({ type }) => type !== 'ExpressionStatement')
  for (const { type } of others) assert.match(type, /^(?:Import|Variable)Declaration$/)
})

test('without its marker each of them is refused by the compiler, for the reason that it names', () => {
  const found = errorsWithout(/^\/\/ @ts-expect-error /gm)
  const strangers = [...found.keys()].filter((line) => !markers.has(line))
  assert.deepEqual(strangers, [])
  for (const [line, error] of markers) {
    const codes = found.get(line) ?? []
    assert.ok(
      codes.includes(error),
      `line ${line}: ${error} wanted, ${codes.join() || 'it compiles'}`,
    )
  }
})

/** The errors of a copy of the file in which something is left out, by their line. */
function errorsWithout(omitted: RegExp): ReadonlyMap<number, readonly string[]> {
  const folder = join(root, 'node_modules', '.cache', 'wrong-uses')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'wrong-uses.ts'), text.replaceAll(omitted, '// '))
  const config = {
    extends: join(root, 'tsconfig.tests.json'),
    compilerOptions: { incremental: false },
    include: ['*.ts'],
    references: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })
  const codes = new Map<number, string[]>()
  for (const [, line, code = ''] of stdout.matchAll(/\((\d+),\d+\): error (TS\d+)/g)) {
    codes.set(Number(line), [...(codes.get(Number(line)) ?? []), code])
  }
  return codes
}
