import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { root } from './source-tree.ts'

/** How a page in docs/ that says what is met, and which test shows it, is read and held against those tests. */

/** The cells of every line of a table that has so many. */
export function rowsOf(document: string, columns: number): readonly (readonly string[])[] {
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

/** The rows of the first table whose first head begins so, as cells. */
export function tableOf(document: string, head: string): readonly (readonly string[])[] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${head} `))
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'))
  const rows = lines.slice(start + 2, end)
  assert.ok(start >= 0 && rows.length > 2, `${document} has no table of ${head}`)
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

/** The places in this repository that a cell names. */
export function linksIn(cell: string): readonly string[] {
  return [...cell.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, place = '']) => place)
}

/** A file, or one section of a document, from its heading to the next of its rank. */
export function textAt(place: string): string {
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

/** Every id that a test cites in a line that begins to speak of the standard. */
export function citationsIn(standard: RegExp, id: RegExp): readonly string[] {
  const paths = globSync(['packages/*/test/**/*.ts', 'e2e/**/*.ts'], { cwd: root })
  return paths.flatMap((path) => {
    const lines = readFileSync(join(root, path), 'utf8').match(standard) ?? []
    return lines.flatMap((line) => line.match(id) ?? [])
  })
}

/** A list that is kept beside this checkout. Undefined where it is not, which is said, and in CI a failure. */
export function sharedList(t: TestContext, name: string): string | undefined {
  const path = join(root, '..', 'shared', name)
  if (existsSync(path) || process.env['CI'] === 'true') return readFileSync(path, 'utf8')
  t.skip('the shared lists are not beside this checkout')
  return undefined
}
