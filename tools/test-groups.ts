import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './source-tree.ts'

/*
 * To start a process and load everything that a test file needs takes 0.3 s, as long as most files take to run.
 * So files of one package share processes; each is a suite of its own that has its name.
 */

/** Few enough that the groups are done at about the same time. */
const filesMax = 10
/** These look at their whole process, at its memory or at very short times, or start processes of their own. */
const alone: ReadonlySet<string> = new Set([
  'packages/gateway/test/forward-auth-services.test.ts',
  'packages/identity/test/login-timing.test.ts',
  'packages/verify/test/hostile-key-set.test.ts',
  'packages/verify/test/issuer-without-network.test.ts',
  'packages/verify/test/load-pauses.test.ts',
  'packages/verify/test/million-records.test.ts',
])

/** What to run instead of these test files: groups of them, and those that have to be alone. */
export function groupTests(paths: readonly string[]): readonly string[] {
  const single = paths.filter((path) => alone.has(path) || folderOf(path) === 'e2e')
  const shared = Map.groupBy(
    paths.filter((path) => !single.includes(path)),
    folderOf,
  )
  return [...single, ...[...shared.values()].flatMap(writeGroups)]
}

/** `packages/verify`, or `e2e`. */
function folderOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'packages' || first === 'examples' ? `${first}/${second}` : first
}

/** In turn, because neighbours in the alphabet often take equally long. */
function writeGroups(paths: readonly string[]): readonly string[] {
  const count = Math.ceil(paths.length / filesMax)
  return Array.from({ length: count }, (_, place) =>
    writeGroup(paths.filter((_path, index) => index % count === place)),
  )
}

/** Named for what is in it, so that two runs at once do not disturb each other. */
function writeGroup(paths: readonly string[]): string {
  const module = new URL('run-in-turn.ts', import.meta.url).href
  const text = `import { runInTurn } from '${module}'\nawait runInTurn(${JSON.stringify(paths)})\n`
  // Node runs no tests from `node_modules`.
  const folder = join(root, '.test-groups')
  mkdirSync(folder, { recursive: true })
  const name = createHash('sha256').update(text).digest('hex').slice(0, 16)
  const path = join(folder, `${name}.test.mjs`)
  writeFileSync(path, text)
  return path
}
