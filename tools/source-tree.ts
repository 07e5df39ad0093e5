import { readFileSync } from 'node:fs'
import { globSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

/** One source file of the house, and what it imports. */
export interface SourceFile {
  /** From the root of the repository, with slashes: `packages/verify/src/index.ts`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** Reads every source file of packages and examples; tests and what was built are not among them. */
export function readSourceFiles(): readonly SourceFile[] {
  const paths = globSync(['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts'], { cwd: root })
  return paths.toSorted().map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path: path.replaceAll('\\', '/'), text, imports: importsOf(path, text) }
  })
}

/** The file that a relative import names, from the root of the repository. */
export function resolveRelative(from: SourceFile, specifier: string): string {
  return relative(root, join(root, dirname(from.path), specifier)).replaceAll('\\', '/')
}

function importsOf(path: string, text: string): readonly string[] {
  const { module, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  const statics = module.staticImports.map((found) => found.moduleRequest.value)
  const reexports = module.staticExports
    .flatMap((found) => found.entries)
    .flatMap((entry) => entry.moduleRequest?.value ?? [])
  const dynamics = module.dynamicImports.map(({ moduleRequest: { start, end } }) =>
    text.slice(start, end).replaceAll(/^['"`]|['"`]$/g, ''),
  )
  return [...new Set([...statics, ...reexports, ...dynamics])]
}
