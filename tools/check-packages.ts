import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { filterProblems, problemKindInfo } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import type { PackedFile, PackedPackage } from './packed-packages.ts'
import { packPackages } from './packed-packages.ts'
import { runCommand } from './run-command.ts'

/**
 * Builds and packs the packages as they would be published, and looks at the tarballs: publint at the
 * manifest, attw at the types, and the rules of this house at the rest, the size of the SDK among them.
 */
const packagesMin = 8

/** What a service takes in with the SDK, beside which there is nothing: both have no other dependency. */
const sdk: readonly string[] = ['@portcullis/protocol', '@portcullis/verify']
/** Every service carries it (ADR 0010). */
const sdkBytesMax = 100_000
/** Folders of entries that only those load who ask for them, counted apart, each with what it may come to. */
const chosenBytesMax: ReadonlyMap<string, number> = new Map([
  ['dpop', 7_000],
  ['events', 6_000],
  ['nats', 3_000],
  ['testing', 20_000],
])

/**
 * Of a name that is nobody's (RFC 2606): whoever publishes puts in the address of the repository that does, and npm
 * refuses a provenance that tells of another.
 */
const repositoryUrl = 'git+https://git.example/portcullis.git'

/** The packages are ES modules only; `require` and the resolution of TypeScript 4 are not promised. */
const resolutions = ['node16-esm', 'bundler'] as const

runCommand('npm', ['run', '--silent', 'build'])
const destination = mkdtempSync(join(tmpdir(), 'portcullis-packages-'))
try {
  const packages = packPackages(destination)
  if (packages.length < packagesMin) throw new Error(`only ${packages.length} were packed`)
  const found = await Promise.all(packages.map(mistakesOf))
  const mistakes = [...found.flat(), ...checkSize(packages)]
  for (const mistake of mistakes) process.stderr.write(`${mistake}\n`)
  process.stdout.write(`${packages.length} packages, ${mistakes.length} mistakes\n`)
  process.exitCode = mistakes.length === 0 ? 0 : 1
} finally {
  rmSync(destination, { recursive: true, force: true })
}

async function mistakesOf(packed: PackedPackage): Promise<readonly string[]> {
  const found = [...(await publintOf(packed)), ...(await attwOf(packed)), ...houseRules(packed)]
  return found.map((mistake) => `${packed.name}: ${mistake}`)
}

async function publintOf({ tarball }: PackedPackage): Promise<readonly string[]> {
  const pack = { tarball: new Uint8Array(readFileSync(tarball)).buffer }
  const { messages, pkg } = await publint({ pack, strict: true })
  return messages.map((message) => formatMessage(message, pkg) ?? message.code)
}

async function attwOf({ manifest, tarball }: PackedPackage): Promise<readonly string[]> {
  // A package of commands has nothing to import.
  const { exports } = manifest
  if (typeof exports !== 'object' || exports === null) return []
  const result = await checkPackage(
    createPackageFromTarballData(new Uint8Array(readFileSync(tarball))),
  )
  if (result.types === false) return ['there are no types in it']
  const looked = Object.keys(result.entrypoints)
  const promised = Object.keys(exports)
  const missed = promised.filter((entry) => !looked.includes(entry))
  const problems = resolutions.flatMap((resolutionKind) =>
    filterProblems(result, { resolutionKind }).map(
      ({ kind, ...where }) =>
        `${problemKindInfo[kind].title} (${resolutionKind}): ${JSON.stringify(where)}`,
    ),
  )
  return [...missed.map((entry) => `attw has not looked at ${entry}`), ...new Set(problems)]
}

/** What no tool knows. */
function houseRules({ folder, manifest, files }: PackedPackage): readonly string[] {
  const members = ['description', 'license', 'engines', 'files'].filter(
    (member) => manifest[member] === undefined,
  )
  const documents = ['LICENSE', 'README.md'].filter(
    (name) => !files.some(({ path }) => path === name),
  )
  const strangers = files.filter(
    ({ path }) =>
      // The console is in that of identity.
      !/^(?:LICENSE|README\.md|package\.json|[a-z.]+\.schema\.json|dist\/.*\.(?:js|js\.map|d\.ts)|dist\/vectors\/[a-z-]+\.json|console\/(?:index\.html|licenses\.md|assets\/[\w.-]+\.(?:js|css|svg)))$/.test(
        path,
      ),
  )
  return [
    ...provenanceRules(folder, manifest),
    ...members.map((member) => `${member} is missing in its package.json`),
    ...documents.map((name) => `${name} is not in the tarball`),
    ...strangers.map(({ path }) => `${path} does not belong into the tarball`),
  ]
}

/** What npm wants in order to say of which commit, and by which workflow, a package was made. */
function provenanceRules(
  folder: string,
  { repository, publishConfig }: PackedPackage['manifest'],
): readonly string[] {
  const { url, directory } = (repository ?? {}) as Readonly<Record<string, unknown>>
  const { access, provenance } = (publishConfig ?? {}) as Readonly<Record<string, unknown>>
  return [
    ...(url === repositoryUrl ? [] : [`its repository is not ${repositoryUrl}`]),
    ...(directory === folder ? [] : [`its repository.directory is not ${folder}`]),
    ...(access === 'public' ? [] : ['publishConfig.access is not public']),
    ...(provenance === true ? [] : ['publishConfig.provenance is not true']),
  ]
}

/** The JavaScript of the SDK, without the comment that names the map of a file. */
function checkSize(packages: readonly PackedPackage[]): readonly string[] {
  const files = packages
    .filter(({ name }) => sdk.includes(name))
    .flatMap((packed) => packed.files)
    .filter(({ path }) => path.endsWith('.js'))
  const limits = [[undefined, sdkBytesMax] as const, ...chosenBytesMax]
  const dependencies = packages
    .filter(({ name }) => sdk.includes(name))
    .flatMap(({ manifest }) => Object.keys(manifest['dependencies'] ?? {}))
    .filter((name) => !sdk.includes(name))
  return [
    ...dependencies.map((name) => `${name} must not become a dependency of the SDK`),
    ...limits.flatMap(([folder, bytesMax]) => {
      const bytes = sumOf(files.filter((file) => chosenFolderOf(file) === folder))
      const what = folder === undefined ? sdk.join(' and ') : `@portcullis/verify/${folder}`
      const size = `${what}: ${kilobytes(bytes)} of JavaScript, of ${kilobytes(bytesMax)} at most`
      process.stdout.write(`${size}\n`)
      if (bytes === 0) return [`no JavaScript was found of ${what}`]
      return bytes > bytesMax ? [`${what} is ${bytes - bytesMax} bytes too large`] : []
    }),
  ]
}

function chosenFolderOf({ path }: PackedFile): string | undefined {
  const [, folder = ''] = /^dist\/(\w+)\//.exec(path) ?? []
  return chosenBytesMax.has(folder) ? folder : undefined
}

function sumOf(files: readonly PackedFile[]): number {
  return files.reduce((sum, { path, size }) => sum + size - mapComment(path).length, 0)
}

function mapComment(path: string): string {
  return `//# sourceMappingURL=${basename(path)}.map\n`
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}
