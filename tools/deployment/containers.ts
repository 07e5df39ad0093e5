import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'

/** What a compose file or a manifest says of one container. */
export interface Container {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  /** Files and folders of this machine, by where the container has them. */
  readonly mounts: ReadonlyMap<string, string>
  readonly workingFolder: string
  readonly user: { readonly uid: number; readonly gid: number }
}

/** Where containers run that no engine keeps apart: as processes of this machine. */
export interface Surroundings {
  /** For what their file systems have beside what is mounted. Every user may read it. */
  readonly folder: string
  /** Node where every user may run it: that of a checkout may be in a folder of root's own. */
  readonly node: string
  readonly network: string
  /** Addresses on loopback by the names that the containers know. */
  readonly names: Readonly<Record<string, readonly string[]>>
}

/** A folder to run containers in. */
export function makeSurroundings(names: Surroundings['names'], parent: string): Surroundings {
  const folder = mkdtempSync(join(parent, 'containers-'))
  chmodSync(folder, 0o755)
  const node = join(folder, 'node')
  copyFileSync(process.execPath, node)
  chmodSync(node, 0o755)
  const network = join(folder, 'container-network.mjs')
  copyFileSync(new URL('container-network.mjs', import.meta.url), network)
  chmodSync(network, 0o644)
  return { folder, node, network, names }
}

/**
 * Starts its command as its user. What it names by a path of its own is where the mount is; a file that is text is
 * copied, with its paths put right.
 */
export function startContainer(
  container: Container,
  address: string,
  { folder, node, network, names }: Surroundings,
  stdio: 'pipe' | 'inherit' = 'pipe',
): ChildProcess {
  const place = join(folder, container.name)
  mkdirSync(place, { recursive: true })
  const mounts = new Map(container.mounts)
  const translate = (text: string): string => inPlace(text, mounts)
  for (const [path, source] of container.mounts) {
    if (!/^\/etc\/.*\.json$|\.conf$/.test(path)) continue
    const copy = join(place, path)
    mkdirSync(dirname(copy), { recursive: true })
    writeFileSync(copy, translate(readFileSync(source, 'utf8')))
    mounts.set(path, copy)
  }
  const cwd = folderOf(place, container.workingFolder, mounts)
  const [program, ...parameters] = container.command.map(translate)
  assert.ok(program !== undefined)
  const environment = Object.entries(container.environment).map(([name, value]) => [
    name,
    translate(value),
  ])
  return spawn(program === 'node' ? node : program, parameters, {
    cwd,
    // Of this machine's own variables it has none.
    env: {
      ...Object.fromEntries(environment),
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
      NODE_OPTIONS: `--import=${network}`,
      CONTAINER_NETWORK: JSON.stringify({ address, names }),
    },
    ...(process.getuid?.() === 0 ? container.user : {}),
    stdio,
  })
}

/** Until its command ends, however it does. */
export async function runContainer(
  container: Container,
  address: string,
  surroundings: Surroundings,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = startContainer(container, address, surroundings)
  const said = collect(child)
  child.stdin?.end()
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said: `${said.output()}${said.errors()}` }
}

export function collect(child: ChildProcess): {
  readonly output: () => string
  readonly errors: () => string
} {
  let output = ''
  let errors = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return { output: () => output, errors: () => errors }
}

export async function stopContainer(child: ChildProcess): Promise<number | string> {
  if (child.exitCode !== null) return child.exitCode
  if (child.signalCode !== null) return child.signalCode
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const [code, signal] = await ended
  return code ?? signal
}

/** The longest path goes first: a file may be mounted into a folder that is mounted. */
function inPlace(text: string, mounts: ReadonlyMap<string, string>): string {
  const paths = [...mounts.keys()].toSorted((one, other) => other.length - one.length)
  const pattern = new RegExp(`(?<![\\w/.])(?:${paths.map(escape).join('|')})(?![\\w.-])`, 'g')
  return paths.length === 0 ? text : text.replaceAll(pattern, (path) => mounts.get(path) ?? path)
}

function escape(path: string): string {
  return path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** A folder of the image, which is read only: nobody but root may write it. */
function folderOf(place: string, path: string, mounts: ReadonlyMap<string, string>): string {
  const mounted = mounts.get(path)
  if (mounted !== undefined) return mounted
  const folder = join(place, path)
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o555)
  return folder
}
