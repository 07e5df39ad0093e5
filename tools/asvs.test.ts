import assert from 'node:assert/strict'
import { test } from 'node:test'
import { citationsIn, linksIn, rowsOf, sharedList, textAt } from './document-tables.ts'

/** Holds docs/asvs.md and docs/advisories.md against the tests and documents that they name. */
interface Requirement {
  readonly id: string
  readonly level: string
  readonly state: string
  readonly where: string
  readonly sentence: string
}

const states: ReadonlySet<string> = new Set(['met', 'not applicable', 'open'])
/** Which chapters the page is about, and how many requirements of each there are at least. */
const chapters = { V6: 35, V7: 18, V9: 7, V10: 28 }

const requirements: readonly Requirement[] = rowsOf('docs/asvs.md', 5)
  .filter(([id = '']) => /^\d/.test(id))
  .map(([id = '', level = '', state = '', where = '', sentence = '']) => {
    return { id, level, state, where, sentence }
  })

test('each requirement is there once, with a level, a state and a sentence', () => {
  for (const [chapter, rowsMin] of Object.entries(chapters)) {
    const rows = requirements.filter(({ id }) => `V${id}`.startsWith(`${chapter}.`))
    assert.ok(rows.length >= rowsMin, `only ${rows.length} rows of ${chapter} were found`)
  }
  const ids = requirements.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const { id, level, state, sentence } of requirements) {
    assert.match(id, /^(?:6|7|9|10)\.\d\.\d{1,2}$/)
    assert.match(level, /^[123]$/, id)
    assert.ok(states.has(state), `${id}: ${state}`)
    assert.match(sentence, /\.$/, id)
  }
})

test('what is met names files and sections that exist and cite the id', () => {
  const met = requirements.filter(({ state }) => state === 'met')
  assert.ok(met.length >= 45, `only ${met.length} are met`)
  for (const { id, where } of met) {
    const places = linksIn(where)
    assert.ok(places.length > 0, `${id} names no place`)
    for (const place of places) assert.ok(cites(textAt(place), id), `${place} does not cite ${id}`)
  }
})

test('whatever a row names exists, and every id that a test cites has a row', () => {
  for (const { where } of requirements) for (const place of linksIn(where)) textAt(place)
  const known = new Set(requirements.map(({ id }) => id))
  const cited = citationsIn(/ASVS (?:6|7|9|10)\.[^\n]*/g, /\b(?:6|7|9|10)\.\d\.\d{1,2}\b/g)
  assert.ok(cited.length >= 50, `only ${cited.length} citations were found`)
  for (const id of cited) assert.ok(known.has(id), `${id} is cited and has no row`)
})

test('no requirement of levels 1 and 2 is missing, and each has its level', (t) => {
  const checklist = sharedList(t, 'checklists/asvs5.md')
  if (checklist === undefined) return
  const listed = [...checklist.matchAll(/^\| ((?:6|7|9|10)\.\d\.\d{1,2}) \| ([123]) \|/gm)].map(
    ([, id = '', level = '']) => ({ id, level }),
  )
  assert.ok(listed.length >= 100, `only ${listed.length} requirements were found`)
  const levels = new Map(listed.map(({ id, level }) => [id, level]))
  const known = new Set(requirements.map(({ id }) => id))
  const missing = listed.filter(({ id, level }) => level !== '3' && !known.has(id))
  assert.deepEqual(missing, [])
  for (const { id, level } of requirements) assert.equal(level, levels.get(id), id)
})

test('every advisory is named by its test, or is not applicable for a reason', () => {
  const advisories = rowsOf('docs/advisories.md', 3).filter(([id]) => id !== 'advisory')
  assert.ok(advisories.length >= 60, `only ${advisories.length} advisories were found`)
  for (const [ids = '', , where = ''] of advisories) {
    const places = linksIn(where)
    if (places.length === 0) assert.match(where, /^not applicable: .{10}/, ids)
    for (const place of places) {
      const text = textAt(place)
      for (const id of ids.split(', ')) assert.ok(text.includes(id), `${place} does not name ${id}`)
    }
  }
})

test('no advisory of the list about identity servers is missing', (t) => {
  const [, list = ''] = sharedList(t, 'design/attacks.md')?.split(/^## 4\./m) ?? []
  if (list === '') return
  const [section = ''] = list.split(/^## /m)
  const ids = section.match(/CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}|GO-\d{4}-\d+/g) ?? []
  assert.ok(ids.length >= 55, `only ${ids.length} ids were found`)
  const page = rowsOf('docs/advisories.md', 3).map(([id = '']) => id)
  const named = new Set(page.flatMap((cell) => cell.split(', ')))
  assert.deepEqual(
    ids.filter((id) => !named.has(id)),
    [],
  )
})

function cites(text: string, id: string): boolean {
  return new RegExp(`ASVS [^\\n]*\\b${id.replaceAll('.', '\\.')}\\b(?!\\.\\d)`).test(text)
}
