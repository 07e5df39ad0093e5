import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './source-tree.ts'

/** One package as npm would publish it. */
export interface PackedPackage {
  readonly name: string
  /** From the root of the repository: `packages/verify`. */
  readonly folder: string
  readonly manifest: Readonly<Record<string, unknown>>
  /** The path of the tarball. */
  readonly tarball: string
  readonly files: readonly PackedFile[]
}

export interface PackedFile {
  /** From the root of the package: `dist/index.js`. */
  readonly path: string
  /** Bytes, unpacked. */
  readonly size: number
}

interface NpmPackAnswer {
  readonly name: string
  readonly filename: string
  readonly files: readonly PackedFile[]
}

/**
 * Packs every package of ours, as it was built last, into a folder. Packages that nobody publishes
 * are left out.
 */
export function packPackages(destination: string): readonly PackedPackage[] {
  const folders = globSync('packages/*/package.json', { cwd: root }).map(dirname).toSorted()
  const published = folders
    .map((folder) => ({ folder: folder.replaceAll('\\', '/'), manifest: manifestOf(folder) }))
    .filter(({ manifest }) => manifest['private'] !== true)
  const parameters = published.flatMap(({ folder }) => ['--workspace', folder])
  const answer = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', destination, ...parameters],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const packed: readonly NpmPackAnswer[] = JSON.parse(answer)
  return published.map(({ folder, manifest }) => {
    const found = packed.find(({ name }) => name === manifest['name'])
    if (found === undefined) throw new Error(`npm has not packed ${folder}`)
    const { name, filename, files } = found
    return { name, folder, manifest, tarball: join(destination, filename), files }
  })
}

function manifestOf(folder: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}
