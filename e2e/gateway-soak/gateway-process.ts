import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { untilAnswered } from '../until-answered.ts'
import type { InspectedHeap } from './inspected-heap.ts'
import { inspectHeap } from './inspected-heap.ts'

/** Level, message and whatever else a line of its log has. */
export type LogLine = Readonly<Record<string, unknown>> & {
  readonly level: number
  readonly msg: string
}

export interface GatewayProcess {
  readonly heap: InspectedHeap
  readonly signal: (signal: NodeJS.Signals) => void
  /** How many requests the access log has told of. */
  readonly logged: () => number
  readonly openFiles: () => OpenFiles
  readonly residentBytes: () => number
  /** Of one core, since it was asked the last time. */
  readonly cpuShare: () => number
  /** The value of each metric that has no labels. */
  readonly metrics: () => Promise<ReadonlyMap<string, number>>
  /** The exit code, or the signal that ended it. */
  readonly stop: () => Promise<number | string>
}

export interface OpenFiles {
  readonly all: number
  readonly sockets: number
}

export interface GatewayProcessOptions {
  readonly file: string
  readonly folder: string
  /** Where `/health/ready` and `/metrics` are. */
  readonly operations: string
  /** Each line but those of requests. */
  readonly onLine: (line: LogLine) => void
  /** What it says that is no log. */
  readonly onNoise: (text: string) => void
}

const cli = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const requestLine = '"msg":"request"}'
/** Of which `/proc` counts the CPU time. */
const ticksPerSecond = 100

/** `portcullis gateway` as a process, with the inspector open, by which its garbage is collected. */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const { file, folder, operations, onLine, onNoise } = options
  const nodeOptions = ['--conditions=@portcullis/source', '--inspect=127.0.0.1:0']
  const child = spawn(process.execPath, [...nodeOptions, cli, 'gateway', '--config', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  const inspector = Promise.withResolvers<string>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    const [, address] = /^Debugger listening on (\S+)/.exec(line) ?? []
    if (address !== undefined) inspector.resolve(address)
    else if (!/^(?:For help, see|Debugger |Waiting for the debugger)/.test(line)) onNoise(line)
  })
  let requests = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.endsWith(requestLine)) requests += 1
    else if (line.startsWith('{')) onLine(JSON.parse(line) as LogLine)
    else onNoise(line)
  })
  const address = await Promise.race([
    inspector.promise,
    ended.then(() => Promise.reject(new Error('the gateway did not start'))),
  ])
  const heap = await inspectHeap(address)
  await untilAnswered(`${operations}/health/ready`)
  const pid = child.pid ?? 0
  let cpu = cpuSeconds(pid)
  let cpuAtMs = performance.now()
  return {
    heap,
    signal: (signal) => void child.kill(signal),
    logged: () => requests,
    openFiles: () => openFiles(pid),
    residentBytes: () => residentBytes(pid),
    cpuShare: () => {
      const [before, beforeMs] = [cpu, cpuAtMs]
      cpu = cpuSeconds(pid)
      cpuAtMs = performance.now()
      return ((cpu - before) * 1000) / (cpuAtMs - beforeMs)
    },
    metrics: () => readMetrics(`${operations}/metrics`),
    stop: async () => {
      heap.close()
      child.kill('SIGTERM')
      const late = setTimeout(20_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))
      const how = await ended
      void late
      return how
    },
  }
}

function openFiles(pid: number): OpenFiles {
  const folder = `/proc/${pid}/fd`
  const targets = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(`${folder}/${name}`)
    } catch {
      // Closed since.
      return ''
    }
  })
  const open = targets.filter((target) => target !== '')
  return { all: open.length, sockets: open.filter((name) => name.startsWith('socket:')).length }
}

function residentBytes(pid: number): number {
  const [, kibibytes = '0'] =
    /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

/** proc_pid_stat(5): user and system time are the fields 14 and 15, counted from 1, after a name that may hold spaces. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(url, { headers: { connection: 'close' } })).text()
  return new Map(
    [...text.matchAll(/^([a-z_]+) ([-+.\de]+)$/gm)].map(([, name = '', value]) => [
      name,
      Number(value),
    ]),
  )
}
