import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { otherCore, pinnedTo } from './pinning.ts'
import { canLookIntoProcesses, cpuUsOfFamily, residentMbOf } from './process-facts.ts'

/** A program of its own, on a core of its own, that answers over HTTP on loopback. */
export interface ServerProcess {
  readonly origin: string
  /** From the spawn to the first 200 of `readyPath`. */
  readonly startMs: number
  /** CPU time of all its threads since its start, and of the processes that it has started itself. */
  readonly cpuUs: () => number
  readonly residentMb: () => number
  /** What it has written to standard output. */
  readonly output: () => string
  /** As an operator stops it; resolves when it is gone. */
  readonly stop: () => Promise<void>
}

export interface ServerOptions {
  /** Default: this Node. */
  readonly program?: string
  /** What it is started with. */
  readonly parameters: readonly string[]
  /** Its settings are there, and its output goes there: to a file, as under systemd or a container. */
  readonly folder: string
  readonly variables?: Readonly<Record<string, string>>
  readonly port: number
  /** Default: that of servers. */
  readonly core?: number
  /** 200 there means that it is ready. */
  readonly readyUrl: string
}

const startMsMax = 60_000
const pollMs = 2

export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  if (!canLookIntoProcesses) throw new Error('servers are measured on Linux only: see the README')
  const { program = process.execPath, parameters, folder, variables, port, readyUrl } = options
  const { core = otherCore } = options
  const outputPath = join(folder, `output-${port}.log`)
  const output = openSync(outputPath, 'w')
  const [command, ...rest] = pinnedTo(core, [program, ...parameters])
  const startedAt = performance.now()
  const child = spawn(command, rest, {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production', ...variables },
    stdio: ['ignore', output, 'inherit'],
  })
  closeSync(output)
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} cannot be started`)
  // A benchmark that breaks off leaves no server behind.
  const abandon = (): void => void child.kill()
  process.once('exit', abandon)
  const exit = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exit
    process.off('exit', abandon)
  }
  try {
    await untilReady(readyUrl, () => child.exitCode !== null)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    startMs: performance.now() - startedAt,
    cpuUs: () => cpuUsOfFamily(pid),
    residentMb: () => residentMbOf(pid),
    output: () => readFileSync(outputPath, 'utf8'),
    stop,
  }
}

async function untilReady(url: string, isOver: () => boolean): Promise<void> {
  const deadline = performance.now() + startMsMax
  for (;;) {
    const isReady = await fetch(url, { headers: { connection: 'close' } }).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    if (isOver() || performance.now() > deadline) throw new Error(`${url} did not become ready`)
    await wait(pollMs)
  }
}
