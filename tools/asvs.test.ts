import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { root } from './source-tree.ts'

/** Holds docs/asvs.md and docs/advisories.md against the tests and documents that they name. */
interface Requirement {
  readonly id: string
  readonly level: string
  readonly state: string
  readonly where: string
  readonly sentence: string
}

const states: ReadonlySet<string> = new Set(['met', 'not applicable', 'open'])
const checklist = join(root, '..', 'shared', 'checklists', 'asvs5.md')

const requirements: readonly Requirement[] = rowsOf('docs/asvs.md', 5)
  .filter(([id = '']) => /^\d/.test(id))
  .map(([id = '', level = '', state = '', where = '', sentence = '']) => {
    return { id, level, state, where, sentence }
  })

test('each requirement is there once, with a level, a state and a sentence', () => {
  assert.ok(requirements.length >= 50, `only ${requirements.length} rows were found`)
  const ids = requirements.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const { id, level, state, sentence } of requirements) {
    assert.match(id, /^[67]\.\d\.\d{1,2}$/)
    assert.match(level, /^[123]$/, id)
    assert.ok(states.has(state), `${id}: ${state}`)
    assert.match(sentence, /\.$/, id)
  }
})

test('what is met names files and sections that exist and cite the id', () => {
  const met = requirements.filter(({ state }) => state === 'met')
  assert.ok(met.length >= 25, `only ${met.length} are met`)
  for (const { id, where } of met) {
    const places = linksIn(where)
    assert.ok(places.length > 0, `${id} names no place`)
    for (const place of places) assert.ok(cites(textAt(place), id), `${place} does not cite ${id}`)
  }
})

test('whatever a row names exists, and every id that a test cites has a row', () => {
  for (const { where } of requirements) for (const place of linksIn(where)) textAt(place)
  const known = new Set(requirements.map(({ id }) => id))
  const cited = globSync('packages/*/test/**/*.ts', { cwd: root }).flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const lines = text.match(/ASVS [67]\.[^\n]*/g) ?? []
    return lines.flatMap((line) => line.match(/\b[67]\.\d\.\d{1,2}\b/g) ?? [])
  })
  assert.ok(cited.length >= 30, `only ${cited.length} citations were found`)
  for (const id of cited) assert.ok(known.has(id), `${id} is cited and has no row`)
})

test('no requirement of levels 1 and 2 is missing, and each has its level', (t) => {
  if (!existsSync(checklist) && process.env['CI'] !== 'true') {
    t.skip('the shared checklists are not beside this checkout')
    return
  }
  const listed = [
    ...readFileSync(checklist, 'utf8').matchAll(/^\| ([67]\.\d\.\d{1,2}) \| ([123]) \|/gm),
  ].map(([, id = '', level = '']) => ({ id, level }))
  assert.ok(listed.length >= 60, `only ${listed.length} requirements were found`)
  const levels = new Map(listed.map(({ id, level }) => [id, level]))
  const known = new Set(requirements.map(({ id }) => id))
  const missing = listed.filter(({ id, level }) => level !== '3' && !known.has(id))
  assert.deepEqual(missing, [])
  for (const { id, level } of requirements) assert.equal(level, levels.get(id), id)
})

test('every advisory is named by its test, or is not applicable for a reason', () => {
  const advisories = rowsOf('docs/advisories.md', 3).filter(([id]) => id !== 'advisory')
  assert.ok(advisories.length >= 30, `only ${advisories.length} advisories were found`)
  for (const [ids = '', , where = ''] of advisories) {
    const places = linksIn(where)
    if (places.length === 0) assert.match(where, /^not applicable: .{10}/, ids)
    for (const place of places) {
      const text = textAt(place)
      for (const id of ids.split(', ')) assert.ok(text.includes(id), `${place} does not name ${id}`)
    }
  }
})

/** The cells of every line of a table that has so many. */
function rowsOf(document: string, columns: number): readonly (readonly string[])[] {
  const lines = readFileSync(join(root, document), 'utf8').match(/^\| .*\|$/gm) ?? []
  return lines
    .filter((line) => !line.startsWith('| -'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .map((cells) => {
      assert.equal(cells.length, columns, cells.join(' | '))
      return cells
    })
}

function linksIn(cell: string): readonly string[] {
  return [...cell.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, place = '']) => place)
}

/** A file, or one section of a document, from its heading to the next of its rank. */
function textAt(place: string): string {
  const [path = '', anchor] = place.split('#')
  const text = readFileSync(join(root, path), 'utf8')
  if (anchor === undefined) return text
  const sections = text.split(/^(?=## )/m)
  const section = sections.find((part) => anchorOf(part.split('\n', 1)[0] ?? '') === anchor)
  return section ?? assert.fail(`${path} has no section ${anchor}`)
}

function anchorOf(heading: string): string {
  return heading.replace(/^#+ /, '').toLowerCase().replaceAll(' ', '-')
}

function cites(text: string, id: string): boolean {
  return new RegExp(`ASVS [^\\n]*\\b${id.replaceAll('.', '\\.')}\\b(?!\\.\\d)`).test(text)
}
