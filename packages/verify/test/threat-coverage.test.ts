import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/*
 * The threats that a verifier must survive are numbered V1 to V100. Ids of vectors and titles of tests
 * begin with the number that they are about.
 */
const threats = Array.from({ length: 100 }, (_threat, at) => at + 1)

/** What no vector can say, in tests that are not called by their number. */
const behaviours: readonly (readonly [number, string, string])[] = [
  [17, 'verifier.test.ts', 'what is not a string is not a token'],
  [85, 'verifier.test.ts', 'what a caller does to the claims changes nothing'],
  [97, 'verify-error.test.ts', 'the challenge is one line of safe characters'],
]

/** Which file is all about a threat, or about several. */
const elsewhere: ReadonlyMap<string, readonly number[]> = new Map([
  // Proofs of possession.
  ['dpop-wrong-proofs.test.ts', [67, 68]],
  // Documents of the issuer, and the network before them.
  ['key-source.test.ts', [70, 71, 72, 75, 76, 78, 81, 83]],
  ['key-source-stress.test.ts', [69]],
  ['issuer-documents.test.ts', [73, 77, 79, 80]],
  ['hostile-key-set.test.ts', [74]],
  ['key-set-file.test.ts', [82]],
  // What is kept between requests.
  ['remembered-tokens.test.ts', [84, 87, 88, 89, 90]],
  // How a token is presented, and what a refusal looks like on the wire.
  ['authenticate-request.test.ts', [94, 95, 96]],
  ['adapters.test.ts', [98]],
])

const here = new URL('./', import.meta.url)
const root = new URL('../../../', here)

test('every threat is a vector, the title of a test, or the matter of a file', () => {
  const files = ['access-tokens.json', 'key-sets.json']
  const ids = files.flatMap((file) => {
    const text = readFileSync(new URL(`vectors/${file}`, root), 'utf8')
    return (JSON.parse(text) as readonly { readonly id: string }[]).map(({ id }) => id)
  })
  const titles = titlesIn('packages/{verify,protocol}/test/*.test.ts')
  assert.ok(ids.length >= 800, `only ${ids.length} vectors`)
  assert.ok(titles.length >= 200, `only ${titles.length} titles`)

  const named = new Set([
    ...[...ids, ...titles].flatMap(numbersIn),
    ...behaviours.map(([number]) => number),
    ...[...elsewhere.values()].flat(),
  ])
  assert.deepEqual(
    threats.filter((number) => !named.has(number)),
    [],
  )
})

test('the tests that are not called by their number are there', () => {
  for (const file of elsewhere.keys()) assert.ok(existsSync(new URL(file, here)), file)
  for (const [number, file, title] of behaviours) {
    const text = readFileSync(new URL(file, here), 'utf8')
    assert.ok(text.includes(title), `V${number}: no test in ${file} says "${title}"`)
  }
})

function titlesIn(pattern: string): readonly string[] {
  const paths = globSync(pattern, { cwd: fileURLToPath(root) })
  return paths.flatMap((path) => {
    const text = readFileSync(new URL(path, root), 'utf8')
    return [...text.matchAll(/\btest\(\s*(['"`])(.+?)\1/g)].map((match) => match[2] ?? '')
  })
}

function numbersIn(name: string): readonly number[] {
  return [...name.matchAll(/\bV(\d{1,3})\b/g)].map((match) => Number(match[1]))
}
