import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { createSbom } from './sbom.ts'
import { root } from './source-tree.ts'

const sbom = createSbom()
const shipped = new Set(
  [sbom.metadata.component, ...sbom.components].map(({ group, name }) =>
    group === undefined ? name : `${group}/${name}`,
  ),
)

test('the bill of materials is CycloneDX, by its schema', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
  assert.equal(await validator.validate(JSON.stringify(sbom)), null)
  const bent = { ...sbom, components: [{ ...sbom.components[0], licences: [] }] }
  assert.notEqual(await validator.validate(JSON.stringify(bent)), null)
})

test('it names every package that npm installs for whoever runs Portcullis, and no other', () => {
  const flags = ['--workspace', 'packages', '--omit=dev', '--all', '--long', '--parseable']
  const listed = execFileSync('npm', ['ls', ...flags, '--package-lock-only'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // A line is `path:name@version:…`.
  const installed = listed
    .split('\n')
    .filter((line) => line.includes('node_modules'))
    .map((line) => line.split(':')[1] ?? line)
  assert.ok(installed.length >= 100)
  const named = sbom.dependencies.map(({ ref }) => ref)
  assert.deepEqual(named.toSorted(), [...new Set(installed)].toSorted())
})

test('what our packages depend on is in it, in the version that they name, and no tool of ours is', () => {
  const manifests = globSync('{.,packages/*}/package.json', { cwd: root }).map(readManifest)
  assert.ok(manifests.length >= 8)
  const wanted = manifests.flatMap(({ dependencies = {} }) => Object.entries(dependencies))
  const references = new Set(sbom.dependencies.map(({ ref }) => ref))
  for (const [name, version] of wanted) assert.ok(references.has(`${name}@${version}`), name)
  const tools = manifests
    .flatMap(({ devDependencies = {} }) => Object.keys(devDependencies))
    .filter((name) => !wanted.some(([needed]) => needed === name))
  assert.ok(tools.includes('typescript') && tools.includes('oxlint'))
  const neededByOthers = new Set(
    sbom.dependencies
      .flatMap(({ dependsOn }) => dependsOn)
      .map((ref) => ref.replace(/@[^@]+$/, '')),
  )
  for (const name of tools.filter((each) => !neededByOthers.has(each))) {
    assert.ok(!shipped.has(name), `${name} is not shipped`)
  }
})

test('every part has a license, and all that came from elsewhere has its hash', () => {
  for (const component of sbom.components) {
    assert.equal(component.licenses.length, 1, component.purl)
    const isOurs = component.group === '@portcullis'
    assert.equal(component.hashes === undefined, isOurs, component.purl)
  }
  const references = new Set([sbom.metadata.component, ...sbom.components].map((c) => c['bom-ref']))
  for (const { ref, dependsOn } of sbom.dependencies) {
    for (const each of [ref, ...dependsOn]) assert.ok(references.has(each), each)
  }
})

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
