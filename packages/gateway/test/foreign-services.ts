import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DebianNeed } from '../../../tools/debian-packages.ts'
import { go, gsonJar, howToGet, java, python } from '../../../tools/debian-packages.ts'
import { root } from '../../../tools/source-tree.ts'
import type { ListeningProgram } from './listening-program.ts'
import { quietPort, startListening } from './listening-program.ts'

/** A service of `examples/forward-auth` in another language, as a process. */
export type ForeignService = ListeningProgram

export interface Language {
  readonly name: 'python' | 'go' | 'java'
  /** Why its tests are skipped here; false where they run. */
  readonly skip: string | false
  /** What it takes to start it, and a folder to delete at the end. */
  readonly build: () => BuiltService
}

export interface BuiltService {
  /** Starts it for the audience `orders` of an issuer. */
  readonly start: (issuer: string) => Promise<ForeignService>
  readonly remove: () => void
}

const examples = join(root, 'examples', 'forward-auth')

/** How each is built into a folder, and then started. */
const commands = {
  python: () => [python.find() ?? '', '-B', join(examples, 'python', 'service.py')],
  go: (folder: string) => {
    const program = join(folder, 'service')
    const outside = {
      GO111MODULE: 'off',
      GOFLAGS: '',
      GOCACHE: join(root, 'node_modules', '.cache', 'go'),
    }
    run('go', ['vet', '.'], 'go', outside)
    run('go', ['build', '-o', program, '.'], 'go', outside)
    return [program]
  },
  java: (folder: string) => {
    const sources = globSync('*.java', { cwd: join(examples, 'java') })
    run('javac', ['-cp', gsonJar, '-d', folder, ...sources], 'java')
    return ['java', '-XX:TieredStopAtLevel=1', '-cp', `${folder}:${gsonJar}`, 'Service']
  },
} satisfies Record<Language['name'], (folder: string) => readonly string[]>

const needs: readonly (readonly [Language['name'], DebianNeed])[] = [
  ['python', python],
  ['go', go],
  ['java', java],
]

export const languages: readonly Language[] = needs.map(([name, need]) => ({
  name,
  skip: need.find() === undefined && howToGet(need),
  build: () => buildService(name),
}))

function run(
  program: string,
  parameters: readonly string[],
  folder: string,
  more: NodeJS.ProcessEnv = {},
): void {
  const { status, stdout, stderr } = spawnSync(program, parameters, {
    cwd: join(examples, folder),
    env: { ...process.env, ...more },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${program} ${parameters[0]}: ${stdout}${stderr}`)
}

function buildService(name: Language['name']): BuiltService {
  const folder = mkdtempSync(join(tmpdir(), `portcullis-${name}-`))
  const command = commands[name](folder)
  return {
    start: (issuer) => startService(command, issuer),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

async function startService(
  [program = '', ...parameters]: readonly string[],
  issuer: string,
): Promise<ForeignService> {
  const port = await quietPort()
  const env = { ISSUER: issuer, AUDIENCE: 'orders', PORT: String(port) }
  return startListening({ program, parameters, port, env })
}
