import assert from 'node:assert/strict'
import { test } from 'node:test'
import { citationsIn, linksIn, rowsOf, sharedList, textAt } from './document-tables.ts'

/** Holds docs/standards.md against the tests that it names. */
interface Statement {
  readonly id: string
  readonly level: string
  readonly asked: string
  readonly state: string
  readonly where: string
  readonly sentence: string
}

const statements: readonly Statement[] = rowsOf('docs/standards.md', 6)
  .filter(([id = '']) => /^(?:[JO]|RFC )\d/.test(id))
  .map(([id = '', level = '', asked = '', state = '', where = '', sentence = '']) => {
    return { id, level, asked, state, where, sentence }
  })

/** How a test cites a statement: `RFC 8725bis J2`, and in the same line others of the same page. */
const standards: Readonly<Record<string, string>> = { J: 'RFC 8725bis', O: 'RFC 9700' }
const states: ReadonlySet<string> = new Set(['met', 'not applicable', 'open'])

test('each statement is there once, with what it asks, a state and a sentence', () => {
  for (const [letter, rows] of Object.entries({ J: 23, O: 27 })) {
    const ids = statements.map(({ id }) => id).filter((id) => id.startsWith(letter))
    assert.deepEqual(
      ids,
      Array.from({ length: rows }, (_none, at) => `${letter}${at + 1}`),
    )
  }
  assert.equal(new Set(statements.map(({ id }) => id)).size, statements.length)
  for (const { id, level, asked, state, sentence } of statements) {
    assert.match(level, /^(?:must|should)$/, id)
    assert.ok(states.has(state), `${id}: ${state}`)
    for (const text of [asked, sentence]) assert.match(text, /^[A-Z`].*\.$/, id)
  }
})

test('what is met names tests that cite the id, and nothing else names a place in vain', () => {
  const met = statements.filter(({ state }) => state === 'met')
  assert.ok(met.length >= 30, `only ${met.length} are met`)
  for (const { id, state, where } of statements) {
    const places = linksIn(where)
    if (state === 'met') assert.ok(places.length > 0, `${id} names no test`)
    for (const place of places) {
      assert.match(place, /\.test\.ts$/, id)
      assert.ok(cites(textAt(place), id), `${place} does not cite ${id}`)
    }
  }
})

test('every id that a test cites has a row', () => {
  const known = new Set(statements.map(({ id }) => id))
  const cited = Object.entries(standards).flatMap(([letter, standard]) =>
    citationsIn(
      new RegExp(`${standard} ${letter}[^\\n]*`, 'g'),
      new RegExp(`\\b${letter}\\d+\\b`, 'g'),
    ),
  )
  assert.ok(cited.length >= 40, `only ${cited.length} citations were found`)
  for (const id of cited) assert.ok(known.has(id), `${id} is cited and has no row`)
})

test('no statement of the lists is missing, and each has its level', (t) => {
  const checklist = sharedList(t, 'checklists/standards.md')
  if (checklist === undefined) return
  const listed = [...checklist.matchAll(/^\| ([JO]\d{1,2}) \| ([MS/]+) \|/gm)]
  assert.ok(listed.length >= 50, `only ${listed.length} statements were found`)
  const levels = new Map(statements.map(({ id, level }) => [id, level]))
  for (const [, id = '', level = ''] of listed) {
    assert.equal(levels.get(id), level.includes('M') ? 'must' : 'should', id)
  }
})

/** A statement of another RFC is called by its section. */
function cites(text: string, id: string): boolean {
  const standard = standards[id.charAt(0)]
  const before = standard === undefined ? '' : `${standard} [^\\n]*\\b`
  return new RegExp(`${before}${id.replaceAll('.', '\\.')}(?!\\.?\\d)`).test(text)
}
