import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { Agent, createServer, get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { faultsOfLine } from '../packages/runtime/test/kept-lines.ts'
import type { CommandRun } from './running-system.ts'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

/** `portcullis gateway --workers N` before a service of the test. */
export interface WorkersWorld {
  readonly run: CommandRun
  readonly folder: string
  readonly to: readonly string[]
  readonly port: number
  readonly write: (members: object) => void
  readonly untilSaid: (what: RegExp, times?: number) => Promise<void>
  /** By the number of the worker. */
  readonly pidOf: (worker: number) => number
  readonly metrics: () => Promise<string>
  readonly readiness: () => Promise<{ readonly status: string; readonly warnings?: unknown }>
}

export type LogLine = Readonly<Record<string, unknown>>

/** Of the primary and its workers, each as docs/logs.md says. */
export function linesOf(run: CommandRun): readonly LogLine[] {
  const whole = run.output().split('\n').slice(0, -1)
  for (const line of whole) assert.deepEqual(faultsOfLine(line), [], line)
  return whole.map((line) => JSON.parse(line) as LogLine)
}

async function startService(t: TestContext, listener: RequestListener): Promise<readonly string[]> {
  const service = createServer(listener)
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => {
    service.closeAllConnections()
    service.close()
  })
  return [`http://127.0.0.1:${(service.address() as AddressInfo).port}`]
}

export interface WorkersOptions {
  readonly workers: number
  readonly service?: RequestListener
  readonly file: (to: readonly string[]) => object
  /** Beside that file, by their names. */
  readonly files?: Readonly<Record<string, string>>
}

const patienceMs = 30_000

export async function startWorkers(t: TestContext, options: WorkersOptions): Promise<WorkersWorld> {
  const { workers, service = (request, response) => response.end(request.url) } = options
  const folder = newFolder()
  const to = await startService(t, service)
  const path = join(folder, 'portcullis.gateway.json')
  const write = (members: object): void => {
    const base = { listen: { port: 0 }, operations: { port: 0 }, issuer: 'https://id.example' }
    writeFileSync(path, JSON.stringify({ ...base, ...members }))
  }
  write(options.file(to))
  for (const [name, content] of Object.entries(options.files ?? {})) {
    writeFileSync(join(folder, name), content)
  }
  const run = runPortcullis(['gateway', '--workers', String(workers)], { folder })
  t.after(async () => {
    run.child.kill('SIGKILL')
    await run.ended
    removeFolder(folder)
  })
  const untilSaid = async (what: RegExp, times = 1): Promise<void> => {
    const startedMs = performance.now()
    while ([...run.output().matchAll(new RegExp(what, 'g'))].length < times) {
      assert.equal(run.child.exitCode, null, run.errors())
      assert.ok(performance.now() - startedMs < patienceMs, run.output() + run.errors())
      await setTimeout(10)
    }
  }
  await untilSaid(/the workers listen/)
  // Each by itself, so that may come later.
  await untilSaid(/"worker":\d+,.*"gateway listens"/, workers)
  const listening = linesOf(run).find(({ msg }) => msg === 'the workers listen')
  const operations = `http://127.0.0.1:${String(listening?.['operationsPort'])}`
  return {
    run,
    folder,
    to,
    port: Number(listening?.['port']),
    write,
    untilSaid,
    pidOf: (worker) => Number(linesOf(run).findLast((line) => line['worker'] === worker)?.['pid']),
    metrics: async () => (await fetch(`${operations}/metrics`)).text(),
    readiness: async () => {
      const response = await fetch(`${operations}/health/ready`)
      return (await response.json()) as Awaited<ReturnType<WorkersWorld['readiness']>>
    },
  }
}

/** A client with one connection, which it keeps as long as it can, so that one worker serves it. */
export interface Client {
  readonly ask: (path: string, headers?: Readonly<Record<string, string>>) => Promise<string>
  readonly close: () => void
}

export function openClient(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    ask: async (path, headers = {}) => {
      const request = get({ port, path, agent, headers })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return `${response.statusCode} ${await text(response)}`
    },
    close: () => agent.destroy(),
  }
}

/** The value of one series; 0 where there is none. */
export function valueOf(exposition: string, series: string): number {
  const line = exposition.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}
