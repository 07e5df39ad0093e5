import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ParseResult, StaticExportEntry } from 'oxc-parser'
import { parseSync } from 'oxc-parser'
import { root } from './source-tree.ts'

/** Something that users import. */
export interface ExportedDeclaration {
  readonly name: string
  /** The file that declares it, from the root. */
  readonly path: string
  /** The documentation comment, as it stands; undefined where there is none. */
  readonly comment: string | undefined
  /** The declaration without what its users do not see: bodies, initial values, private members. */
  readonly signature: string
}

/** One name in `exports` of a manifest, and all that is behind it. */
export interface PackageEntry {
  /** As users write it: `@portcullis/verify/express`. */
  readonly specifier: string
  readonly declarations: readonly ExportedDeclaration[]
}

type Statement = ParseResult['program']['body'][number]

interface Parsed extends Pick<ParseResult, 'program' | 'comments'> {
  readonly text: string
  readonly exported: readonly StaticExportEntry[]
}

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

/** Every entry of a package that has code behind it. `folder` is from the root. */
export function entriesOf(folder: string): readonly PackageEntry[] {
  const { name: packageName, exports } = manifestOf(folder)
  return Object.entries(exports).flatMap(([name, targets]) => {
    if (typeof targets === 'string') return []
    const path = sourceOf(folder, name)
    const declarations = exportsOf(path).map((exported) => declarationOf(path, exported))
    return [{ specifier: join(packageName, name), declarations }]
  })
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest
}

function sourceOf(folder: string, entry: string): string {
  const targets = manifestOf(folder).exports[entry]
  const source = typeof targets === 'object' ? targets['@portcullis/source'] : undefined
  if (source === undefined) throw new Error(`the entry ${entry} of ${folder} names no source`)
  return join(folder, source)
}

/** The file behind what another file imports: beside it, or an entry of another package of ours. */
function importedFile(importer: string, specifier: string): string {
  if (specifier.startsWith('.')) return join(dirname(importer), specifier)
  const [, name, entry = ''] = /^@portcullis\/(\w+)(\/.+)?$/.exec(specifier) ?? []
  if (name === undefined) throw new Error(`${importer} hands on what is not ours: ${specifier}`)
  return sourceOf(join('packages', name), `.${entry}`)
}

function exportsOf(path: string): readonly string[] {
  return parse(path).exported.map(({ exportName }) => {
    if (exportName.name === null) throw new Error(`${path} must name what it exports`)
    return exportName.name
  })
}

/** Where an export is declared at last, through every file that only hands it on. */
function declarationOf(path: string, name: string): ExportedDeclaration {
  const { text, exported, program, comments } = parse(path)
  const entry = exported.find(({ exportName }) => exportName.name === name)
  if (entry === undefined) throw new Error(`${path} does not export ${name}`)
  const { moduleRequest, importName, localName } = entry
  if (moduleRequest !== null) {
    return declarationOf(importedFile(path, moduleRequest.value), importName.name ?? name)
  }
  const local = localName.name ?? name
  const statement = program.body.find((found) =>
    declares(text.slice(found.start, found.end), local),
  )
  if (statement === undefined) throw new Error(`${path} does not declare ${local}`)
  const before = comments.findLast(({ end }) => end <= statement.start)
  const isDocumentation =
    before?.type === 'Block' &&
    before.value.startsWith('*') &&
    text.slice(before.end, statement.start).trim() === ''
  const comment = isDocumentation ? text.slice(before.start, before.end) : undefined
  return { name: local, path, comment, signature: signatureOf(statement, text) }
}

function declares(statement: string, name: string): boolean {
  const [, found] =
    /^(?:export )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type) (\w+)/.exec(
      statement,
    ) ?? []
  return found === name
}

function signatureOf(statement: Statement, text: string): string {
  const declared =
    statement.type === 'ExportNamedDeclaration' && statement.declaration !== null
      ? statement.declaration
      : statement
  const until = (end: number): string => text.slice(declared.start, end).trim()
  switch (declared.type) {
    case 'FunctionDeclaration':
      return until(declared.body?.start ?? declared.end).replace(/^async /, '')
    case 'VariableDeclaration': {
      const [variable] = declared.declarations
      return until(variable?.init?.start ?? declared.end).replace(/\s*=$/, '')
    }
    case 'ClassDeclaration': {
      const members = declared.body.body.flatMap((member) => {
        if (member.type !== 'PropertyDefinition' && member.type !== 'MethodDefinition') return []
        if (member.accessibility === 'private' || member.key.type === 'PrivateIdentifier') return []
        const end =
          member.type === 'MethodDefinition'
            ? (member.value.body?.start ?? member.end)
            : (member.value?.start ?? member.end)
        return [`  ${text.slice(member.start, end).trim().replace(/\s*=$/, '')}`]
      })
      return [until(declared.body.start + 1), ...members, '}'].join('\n')
    }
    default:
      return until(declared.end)
  }
}

function parse(path: string): Parsed {
  const text = readFileSync(join(root, path), 'utf8')
  const { module, program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  const exported = module.staticExports.flatMap(({ entries }) => entries)
  return { text, exported, program, comments }
}
