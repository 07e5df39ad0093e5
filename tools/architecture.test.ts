import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceFile } from './source-tree.ts'
import { readSourceFiles, resolveRelative } from './source-tree.ts'

const files = readSourceFiles()

/** Who may import whom among our own packages (docs/architecture.md). */
const allowedPackages: Readonly<Record<string, readonly string[]>> = {
  'packages/protocol': [],
  'packages/runtime': ['@portcullis/protocol'],
  'packages/verify': ['@portcullis/protocol'],
  'packages/client': ['@portcullis/protocol'],
  'packages/identity': ['@portcullis/protocol', '@portcullis/verify', '@portcullis/runtime'],
  'packages/gateway': ['@portcullis/protocol', '@portcullis/verify', '@portcullis/runtime'],
  'packages/console': ['@portcullis/client', '@portcullis/protocol'],
  'packages/doctor': ['@portcullis/protocol', '@portcullis/verify'],
  'packages/cli': [
    '@portcullis/client',
    '@portcullis/doctor',
    '@portcullis/protocol',
    '@portcullis/runtime',
    '@portcullis/verify',
    '@portcullis/identity',
    '@portcullis/gateway',
  ],
  'examples/orders': ['@portcullis/verify'],
  'examples/reviews': ['@portcullis/verify'],
}

/** Inside identity, what each layer may import; files beside them (`app`, `parts`) wire them up. */
const allowedLayers: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain'],
  store: ['store', 'domain'],
  http: ['http', 'domain'],
  jobs: ['jobs', 'domain'],
  settings: ['settings', 'domain'],
  passwords: ['passwords', 'domain', 'settings'],
  mail: ['mail', 'domain', 'settings'],
  broker: ['broker', 'domain', 'settings'],
  webhooks: ['webhooks', 'domain'],
}

/**
 * Beside its own files. The one chance that does not come in as a function is that of the keyring,
 * which has the algorithm table of protocol make its key pairs, and that uses node:crypto by name.
 */
const domainImports: ReadonlySet<string> = new Set([
  '@portcullis/protocol',
  '@portcullis/protocol/jws',
  '@portcullis/protocol/revocations',
  // Addresses as texts: it looks at nothing outside either.
  '@portcullis/runtime/networks',
  'node:crypto',
  // For isDeepStrictEqual, which compares and does nothing else.
  'node:util',
])

const drawerNames = new Set(['utils', 'helpers', 'common', 'shared', 'core', 'misc'])
const filesMin = 230

const placeOf = (path: string): string => path.split('/').slice(0, 2).join('/')
const layerOf = (path: string): string | undefined =>
  /^packages\/identity\/src\/([a-z]+)\//.exec(path)?.[1]
const isRelative = (specifier: string): boolean => specifier.startsWith('.')

test('the whole house is seen, so that no rule below is kept by emptiness', () => {
  assert.ok(files.length >= filesMin, `only ${files.length} files were found`)
  const places = new Set(files.map(({ path }) => placeOf(path)))
  assert.deepEqual([...places].toSorted(), Object.keys(allowedPackages).toSorted())
  const imports = files.flatMap((file) => file.imports)
  assert.ok(imports.length > files.length, `only ${imports.length} imports were found`)
})

test('a package imports only those of our packages that it may, by their public names', () => {
  for (const { path, imports } of files) {
    const allowed = allowedPackages[placeOf(path)] ?? []
    for (const specifier of imports.filter((name) => name.startsWith('@portcullis'))) {
      const name = specifier.split('/').slice(0, 2).join('/')
      assert.ok(allowed.includes(name), `${path} must not import ${specifier}`)
    }
  }
})

test('no relative import leaves its package', () => {
  for (const file of files) {
    for (const specifier of file.imports.filter(isRelative)) {
      const target = resolveRelative(file, specifier)
      const home = `${placeOf(file.path)}/src/`
      assert.ok(target.startsWith(home), `${file.path} must not import ${specifier}`)
    }
  }
})

test('the root of protocol runs in a browser: nothing from Node in it', () => {
  const platformFree = files.filter(({ path }) => /^packages\/protocol\/src\/[^/]+\.ts$/.test(path))
  assert.ok(platformFree.length >= 4)
  for (const { path, imports } of platformFree) {
    const fromNode = imports.filter((name) => name.startsWith('node:') || name.startsWith('./jws'))
    assert.deepEqual(fromNode, [], `${path} must not import ${fromNode.join(', ')}`)
  }
})

test('the client runs in a browser: nothing from Node in it, and of protocol only the root', () => {
  const client = files.filter(({ path }) => path.startsWith('packages/client/src/'))
  assert.ok(client.length >= 15)
  for (const { path, imports } of client) {
    const foreign = imports.filter((name) => !isRelative(name) && name !== '@portcullis/protocol')
    assert.deepEqual(foreign, [], `${path} must not import ${foreign.join(', ')}`)
  }
})

test('inside identity data flows one way: http and store know the domain, and not each other', () => {
  const layered = files.filter(({ path }) => layerOf(path) !== undefined)
  assert.ok(layered.length >= 20)
  for (const file of layered) {
    const allowed = allowedLayers[layerOf(file.path) ?? ''] ?? []
    for (const specifier of file.imports.filter(isRelative)) {
      const target = resolveRelative(file, specifier)
      assert.ok(allowed.includes(layerOf(target) ?? ''), `${file.path} must not import ${target}`)
    }
  }
})

test('the domain imports the protocol, node:crypto and itself, and asks no clock and no chance by name', () => {
  const domain = files.filter(({ path }) => path.includes('/identity/src/domain/'))
  assert.ok(domain.length >= 8)
  for (const { path, text, imports } of domain) {
    const foreign = imports.filter((name) => !isRelative(name) && !domainImports.has(name))
    assert.deepEqual(foreign, [], `${path} must not import ${foreign.join(', ')}`)
    assert.doesNotMatch(
      text,
      /Date\.now|new Date\(\)|performance\.now|Math\.random|randomBytes\(\d|randomUUID/,
      path,
    )
  }
})

test('only files named settings look at the environment', () => {
  const readers = files.filter(({ text }) => text.includes('process.env'))
  assert.ok(readers.length > 0)
  for (const { path } of readers) assert.match(path, /\/settings\.ts$/)
})

test('there are no drawers', () => {
  for (const { path } of files) {
    const names = path.split('/').map((name) => name.replace(/\.ts$/, ''))
    const drawer = names.find((name) => drawerNames.has(name))
    assert.equal(drawer, undefined, `${path}: name it for what is in it`)
  }
})

test('no import cycles, types included', () => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const settled = new Set<string>()
  const visit = (file: SourceFile, trail: readonly string[]): void => {
    assert.ok(!trail.includes(file.path), `cycle: ${[...trail, file.path].join(' → ')}`)
    if (settled.has(file.path)) return
    for (const specifier of file.imports.filter(isRelative)) {
      const target = byPath.get(resolveRelative(file, specifier))
      assert.ok(target, `${file.path} imports ${specifier}, which is not there`)
      visit(target, [...trail, file.path])
    }
    settled.add(file.path)
  }
  for (const file of files) visit(file, [])
  assert.equal(settled.size, files.length)
})
