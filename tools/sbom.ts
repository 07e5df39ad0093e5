import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { root } from './source-tree.ts'

/**
 * What is shipped, as a CycloneDX document: our packages, and all that the lock file brings along for whoever runs
 * them. `npm sbom --omit=dev` leaves out what is a dependency of one workspace and a devDependency of another, and
 * names our packages for their folders. The same lock file makes the same octets.
 */
export interface Sbom {
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.6'
  readonly serialNumber: string
  readonly version: 1
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

interface Component {
  readonly type: 'application' | 'library'
  readonly 'bom-ref': string
  readonly group?: string
  readonly name: string
  readonly version: string
  /** `optional`: a build for one platform, of which an installation has the one that fits. */
  readonly scope?: 'required' | 'optional'
  readonly licenses: readonly ({ license: { id: string } } | { expression: string })[]
  readonly purl: string
  readonly hashes?: readonly { readonly alg: 'SHA-512'; readonly content: string }[]
}

interface LockedPackage {
  readonly name?: string
  readonly version: string
  readonly link?: true
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly optional?: true
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

type Lock = ReadonlyMap<string, LockedPackage>

/** The package that depends on all others of ours. */
const shipped = 'packages/cli'

export function createSbom(): Sbom {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>
  }
  const lock: Lock = new Map(Object.entries(packages))
  const own = globSync('packages/*/package.json', { cwd: root }).map((path) =>
    dirname(path).replaceAll('\\', '/'),
  )
  const places = productionPlaces(lock, own)
  const dependencies = places.map((place) => ({
    ref: referenceOf(lock, place),
    dependsOn: [
      ...new Set(dependenciesOf(lock, place).map((to) => referenceOf(lock, to))),
    ].toSorted(),
  }))
  const components = places
    .filter((place) => place !== shipped)
    .map((place) => componentOf(lock, place, 'library'))
  const digest = createHash('sha256')
    .update(JSON.stringify([components, dependencies]))
    .digest()
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(digest)}`,
    version: 1,
    metadata: { component: componentOf(lock, shipped, 'application') },
    components: oneOfEach(components, (component) => component['bom-ref']),
    dependencies: oneOfEach(dependencies, ({ ref }) => ref),
  }
}

/** Where in the lock file all stands that the packages in these folders need to run. */
function productionPlaces(lock: Lock, own: readonly string[]): readonly string[] {
  const found = new Set(own)
  // A set is walked to its end, what is added meanwhile included.
  for (const place of found) {
    for (const dependency of dependenciesOf(lock, place)) found.add(dependency)
  }
  return [...found].toSorted()
}

function dependenciesOf(lock: Lock, place: string): readonly string[] {
  const { dependencies, optionalDependencies, ...entry } = entryAt(lock, place)
  const optionalPeers = entry.peerDependenciesMeta ?? {}
  const peers = Object.keys(entry.peerDependencies ?? {}).filter(
    (name) => optionalPeers[name]?.optional !== true,
  )
  const names = new Set([
    ...Object.keys(dependencies ?? {}),
    ...Object.keys(optionalDependencies ?? {}),
    ...peers,
  ])
  return [...names].map((name) => resolve(lock, place, name))
}

/** As Node looks for it: in the nearest `node_modules` above. */
function resolve(lock: Lock, from: string, name: string): string {
  for (let folder = from; ; folder = posix.dirname(folder)) {
    const place = folder === '.' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    const entry = lock.get(place)
    if (entry !== undefined) return entry.link === true ? (entry.resolved ?? place) : place
    if (folder === '.') throw new Error(`${from} depends on ${name}, which is not in the lock file`)
  }
}

function entryAt(lock: Lock, place: string): LockedPackage {
  const entry = lock.get(place)
  if (entry === undefined) throw new Error(`${place} is not in the lock file`)
  return entry
}

function componentOf(lock: Lock, place: string, type: Component['type']): Component {
  const { version, license, integrity, optional } = entryAt(lock, place)
  const name = nameOf(lock, place)
  const [, group, rest = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? []
  if (license === undefined) throw new Error(`${place} has no license in the lock file`)
  return {
    type,
    'bom-ref': referenceOf(lock, place),
    ...(group === undefined ? {} : { group }),
    name: rest,
    version,
    ...(type === 'application' ? {} : { scope: optional === true ? 'optional' : 'required' }),
    licenses: [
      / (?:OR|AND|WITH) /.test(license) ? { expression: license } : { license: { id: license } },
    ],
    purl: `pkg:npm/${group === undefined ? '' : `${encodeURIComponent(group)}/`}${rest}@${version}`,
    ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
  }
}

/** Of packages of ours the lock file has the name, of others it is the end of their place. */
function nameOf(lock: Lock, place: string): string {
  return entryAt(lock, place).name ?? place.slice(place.lastIndexOf('node_modules/') + 13)
}

function referenceOf(lock: Lock, place: string): string {
  return `${nameOf(lock, place)}@${entryAt(lock, place).version}`
}

function hashOf(integrity: string): { readonly alg: 'SHA-512'; readonly content: string } {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity) ?? []
  if (base64 === undefined) throw new Error(`${integrity} is no SHA-512`)
  return { alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }
}

/** Of the form of version 8 (RFC 9562), which is for values of one's own making. */
function uuidOf(digest: Buffer): string {
  const bytes = Buffer.from(digest.subarray(0, 16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function oneOfEach<Thing>(things: readonly Thing[], keyOf: (thing: Thing) => string): Thing[] {
  return [...new Map(things.map((thing) => [keyOf(thing), thing])).values()]
}
