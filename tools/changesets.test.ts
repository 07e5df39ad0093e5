import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { root } from './source-tree.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

test('a change of one package gives all of them one next version, and each names it of the others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-changesets-'))
  try {
    const paths = globSync(['package.json', '{packages,examples}/*/package.json'], { cwd: root })
    for (const path of [...paths, 'package-lock.json', '.changeset/config.json']) {
      mkdirSync(join(folder, dirname(path)), { recursive: true })
      cpSync(join(root, path), join(folder, path))
    }
    execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: folder })
    const change = '---\n"@portcullis/verify": minor\n---\n\nIt can do more.\n'
    writeFileSync(join(folder, '.changeset', 'more.md'), change)
    const before = versionsIn(root, paths)
    execFileSync('changeset', ['version'], { cwd: folder, stdio: 'pipe' })

    const after = versionsIn(folder, paths)
    assert.ok(after.size >= 7)
    const [was, ...otherBefore] = new Set(before.values())
    const [is, ...otherAfter] = new Set(after.values())
    assert.deepEqual([otherBefore, otherAfter], [[], []])
    assert.equal(is, nextMinor(was ?? ''))
    for (const manifest of paths.map((path) => manifestAt(folder, path))) {
      const named = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
      for (const [name, version] of named.filter(([each]) => after.has(each))) {
        assert.equal(version, is, `${manifest.name} names ${name}`)
      }
    }
    // The one list of changes is CHANGELOG.md.
    assert.deepEqual(globSync('**/CHANGELOG.md', { cwd: folder }), [])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Of the packages that are published. */
function versionsIn(folder: string, paths: readonly string[]): ReadonlyMap<string, string> {
  const manifests = paths.map((path) => manifestAt(folder, path))
  return new Map(
    manifests
      .filter((manifest) => manifest.private !== true)
      .map(({ name, version }) => [name, version]),
  )
}

function nextMinor(version: string): string {
  const [major, minor] = version.split('.').map(Number)
  return `${major}.${(minor ?? 0) + 1}.0`
}

function manifestAt(folder: string, path: string): Manifest {
  return JSON.parse(readFileSync(join(folder, path), 'utf8'))
}
