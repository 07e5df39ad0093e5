import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ParseResult, StaticExportEntry } from 'oxc-parser'
import { parseSync } from 'oxc-parser'
import { root } from './source-tree.ts'

/** The packages whose users read the documentation in their editor. */
const documentedPackages: readonly string[] = ['packages/verify']
const exportsMin = 40

interface Declaration {
  readonly place: string
  readonly isDocumented: boolean
}

interface Parsed extends Pick<ParseResult, 'program' | 'comments'> {
  readonly text: string
  readonly exported: readonly StaticExportEntry[]
}

interface Manifest {
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** What users import and what says nothing about itself there, as sentences. */
export function undocumentedExports(): readonly string[] {
  const found = documentedPackages
    .flatMap(entriesOf)
    .flatMap((entry) => exportsOf(entry).map((name) => declarationOf(entry, name)))
  const places = new Map(found.map(({ place, isDocumented }) => [place, isDocumented]))
  if (places.size < exportsMin) return [`only ${places.size} exports were found`]
  const silent = [...places].filter(([, isDocumented]) => !isDocumented)
  return silent.map(([place]) => `${place} is exported to users without a documentation comment`)
}

function entriesOf(folder: string): readonly string[] {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  return Object.values(manifest.exports).map((targets) => {
    const source = targets['@portcullis/source']
    if (source === undefined) throw new Error(`an entry of ${folder} names no source`)
    return join(folder, source)
  })
}

function exportsOf(path: string): readonly string[] {
  return parse(path).exported.map(({ exportName }) => {
    if (exportName.name === null) throw new Error(`${path} must name what it exports`)
    return exportName.name
  })
}

/** Where an export is declared at last, through every file that only hands it on. */
function declarationOf(path: string, name: string): Declaration {
  const { text, exported, program, comments } = parse(path)
  const entry = exported.find(({ exportName }) => exportName.name === name)
  if (entry === undefined) throw new Error(`${path} does not export ${name}`)
  const { moduleRequest, importName, localName } = entry
  if (moduleRequest !== null) {
    return declarationOf(join(dirname(path), moduleRequest.value), importName.name ?? name)
  }
  const local = localName.name ?? name
  const statement = program.body.find((found) =>
    declares(text.slice(found.start, found.end), local),
  )
  if (statement === undefined) throw new Error(`${path} does not declare ${local}`)
  const before = comments.findLast(({ end }) => end <= statement.start)
  const isDocumented =
    before?.type === 'Block' &&
    before.value.startsWith('*') &&
    text.slice(before.end, statement.start).trim() === ''
  return { place: `${path}: ${local}`, isDocumented }
}

function declares(statement: string, name: string): boolean {
  const [, found] =
    /^(?:export )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type) (\w+)/.exec(
      statement,
    ) ?? []
  return found === name
}

function parse(path: string): Parsed {
  const text = readFileSync(join(root, path), 'utf8')
  const { module, program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  const exported = module.staticExports.flatMap(({ entries }) => entries)
  return { text, exported, program, comments }
}
