import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { DatabaseSync } from 'node:sqlite'
import { pathOfDatabase } from '../src/store/open-database.ts'

/** What somebody has who took the file of a database, and nothing of what is kept outside of it. */
export interface StolenRows {
  /** Every row of every table, whatever tables there are. */
  readonly tables: ReadonlyMap<string, readonly StolenRow[]>
  /** Every text in them, whole, and in the parts that it seems to have. */
  readonly texts: readonly string[]
  /** The octets that any of these texts may stand for. */
  readonly secrets: readonly Buffer[]
}

/** What has fewer needs no theft: it can be guessed. */
const secretBytesMin = 8

export type StolenRow = Readonly<Record<string, unknown>>

export function stealRows(database: string): StolenRows {
  const tables = readTables(pathOfDatabase(database) ?? assert.fail('not a file'))
  const cells = [...tables.values()].flat().flatMap((row) => Object.values(row))
  const texts = [...new Set(cells.flatMap(textsIn))].filter((text) => text !== '')
  const secrets = new Map(
    texts.flatMap(octetsOf).map((octets) => [octets.toString('hex'), octets] as const),
  )
  return { tables, texts, secrets: [...secrets.values()] }
}

function readTables(path: string): StolenRows['tables'] {
  const file = new DatabaseSync(path, { readOnly: true })
  try {
    const names = file.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    const rowsOf = (name: string): readonly StolenRow[] =>
      file.prepare(`SELECT * FROM "${name}"`).all()
    return new Map(names.map(({ name }) => [String(name), rowsOf(String(name))]))
  } finally {
    file.close()
  }
}

/** A cell, the members of its JSON, and what stands between the marks that texts are put together with. */
function textsIn(cell: unknown): readonly string[] {
  if (cell instanceof Uint8Array) {
    return (['hex', 'base64url'] as const).map((form) => Buffer.from(cell).toString(form))
  }
  if (typeof cell !== 'string') return typeof cell === 'number' ? [String(cell)] : []
  return [cell, ...leavesOf(cell), ...cell.split(/[^\w+/=-]+/), ...cell.split('.')]
}

function leavesOf(text: string): readonly string[] {
  try {
    const leaves: string[] = []
    JSON.parse(text, (_name, value: unknown) => {
      if (typeof value === 'string') leaves.push(value)
      return value
    })
    return leaves
  } catch {
    return []
  }
}

function octetsOf(text: string): readonly Buffer[] {
  const decoded = (['base64url', 'hex'] as const).map((form) => Buffer.from(text, form))
  return [Buffer.from(text), ...decoded].filter(({ length }) => length >= secretBytesMin)
}
