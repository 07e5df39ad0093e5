import { join } from 'node:path'
import type { ExportedDeclaration, PackageEntry } from './exported-declarations.ts'
import { entriesOf } from './exported-declarations.ts'
import { root } from './source-tree.ts'

/** Those whose exports are for users; `runtime` is for ours alone. */
const referencedPackages: readonly string[] = [
  'verify',
  'client',
  'protocol',
  'gateway',
  'identity',
]

/** The pages of the reference, by their path: every export of each entry as it stands in the sources. */
export function apiReference(): ReadonlyMap<string, string> {
  return new Map(
    referencedPackages.map((name) => [
      join(root, 'docs', 'api', `${name}.md`),
      pageOf(name, entriesOf(`packages/${name}`)),
    ]),
  )
}

function pageOf(name: string, entries: readonly PackageEntry[]): string {
  const sections = entries.map(
    ({ specifier, declarations }) =>
      `## ${specifier}\n\n${declarations.toSorted(byName).map(textOf).join('\n')}`,
  )
  return `# @portcullis/${name}: what it exports

Made from the sources by \`npm run generate:api\`. How it is used stands in [its README](../../packages/${name}/README.md).

${sections.join('\n')}`
}

function byName(one: ExportedDeclaration, other: ExportedDeclaration): number {
  return one.name < other.name ? -1 : 1
}

function textOf({ name, path, comment, signature }: ExportedDeclaration): string {
  const code = comment === undefined ? signature : `${comment}\n${signature}`
  return `### ${name}\n\n[${path}](../../${path})\n\n\`\`\`typescript\n${code}\n\`\`\`\n`
}
