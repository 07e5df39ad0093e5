import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { freePort } from '../../tools/free-port.ts'
import type { GatewayProcess } from '../gateway-soak/gateway-process.ts'
import { startGatewayProcess } from '../gateway-soak/gateway-process.ts'
import type { Service } from '../gateway-soak/service.ts'
import { startService } from '../gateway-soak/service.ts'
import type { Flood } from './floods.ts'
import { floods } from './floods.ts'
import type { Measured } from './ordinary-load.ts'
import { loadOrdinarily } from './ordinary-load.ts'

export interface FloodOptions {
  /** How long the ordinary load is measured each time, before and during. */
  readonly seconds: number
  /** How often each flood comes and goes. */
  readonly rounds: number
  /** Only those whose kind has these words. */
  readonly only: string
  readonly folder: string
  readonly onFlood: (report: FloodReport) => void
}

export interface FloodReport {
  readonly flood: Flood
  readonly rounds: readonly Round[]
  /** How far the process grew, at its largest. */
  readonly residentGrowthBytes: number
  /** The most connections that it had at a time, those to its service among them. */
  readonly socketsMax: number
  /** Connections of the flood that came about, in all rounds. */
  readonly connected: number
  /** Connections that are left when everybody is gone, beyond those before. */
  readonly socketsLeft: number
  /** What its log says that it should not. */
  readonly errors: readonly string[]
}

const program = fileURLToPath(new URL('flood-process.ts', import.meta.url))

/** How long ordinary callers wait. */
export interface Round {
  readonly before: Measured
  readonly during: Measured
  /** Meanwhile, at another gateway on the same machine: what the flood takes from everybody, and not from its gateway. */
  readonly elsewhere: Measured
}

/** Each flood alone, again and again, beside ordinary callers of the same gateway, and of one that is not flooded. */
export async function runFloods(options: FloodOptions): Promise<readonly FloodReport[]> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  const service = await startService('a')
  const errors: string[] = []
  try {
    const start = (name: string): Promise<StartedGateway> =>
      startGateway(join(options.folder, `${name}.json`), issuer, service, errors)
    const { gateway, port } = await start('gateway')
    const elsewhere = await start('elsewhere')
    try {
      const reports: FloodReport[] = []
      for (const warmed of [port, elsewhere.port]) await warmUp(warmed, issuer)
      for (const flood of floods.filter(({ kind }) => kind.includes(options.only))) {
        const report = await runFlood(options, {
          flood,
          gateway,
          port,
          elsewherePort: elsewhere.port,
          issuer,
          errors,
        })
        options.onFlood(report)
        reports.push(report)
      }
      return reports
    } finally {
      await Promise.all([gateway.stop(), elsewhere.gateway.stop()])
    }
  } finally {
    await service.stop()
    await issuer.close()
  }
}

interface StartedGateway {
  readonly gateway: GatewayProcess
  readonly port: number
}

async function startGateway(
  file: string,
  issuer: TestIssuer,
  service: Service,
  errors: string[],
): Promise<StartedGateway> {
  const [port, operationsPort] = [await freePort(), await freePort()]
  const to = [service.origin]
  const settings = {
    listen: { port },
    operations: { port: operationsPort },
    issuer: issuer.issuer,
    auth: { audience: 'orders' },
    limits: { bodyBytes: 4_000_000 },
    routes: [
      { match: '/orders/*', to },
      { match: '/live/*', to, upgrade: ['websocket'] },
      { match: '/public/*', to, auth: { mode: 'none' } },
    ],
  }
  writeFileSync(file, JSON.stringify(settings))
  const gateway = await startGatewayProcess({
    file,
    folder: dirname(file),
    operations: `http://127.0.0.1:${operationsPort}`,
    onLine: ({ level, msg }) => void (level >= errorLevel && errors.push(msg)),
    onNoise: (text) => errors.push(text),
  })
  return { gateway, port }
}

/** Of pino. */
const errorLevel = 50

const warmUpMs = 5000

async function warmUp(port: number, issuer: TestIssuer): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  await loadOrdinarily({ port, agent, token: issuer.mint(), forMs: warmUpMs })
  agent.destroy()
}

interface Flooded {
  readonly flood: Flood
  readonly gateway: GatewayProcess
  readonly port: number
  readonly elsewherePort: number
  readonly issuer: TestIssuer
  readonly errors: string[]
}

/** Until the connections that it holds are there. */
const risingMsMax = 20_000
/** Until buffers are full, on which no more comes through. */
const settlingMs = 2000
const ebbingMsMax = 30_000
const sampleMs = 100
/** Connections of the ordinary callers, and those to the service for them. */
const ordinarySocketsMax = 100

async function runFlood(
  { seconds, rounds }: FloodOptions,
  { flood, gateway, port, elsewherePort, issuer, errors }: Flooded,
): Promise<FloodReport> {
  const before = gateway.openFiles().sockets
  await gateway.heap.bytesInUse()
  const residentBefore = gateway.residentBytes()
  let [residentMax, socketsMax] = [0, 0]
  const sampler = globalThis.setInterval(() => {
    residentMax = Math.max(residentMax, gateway.residentBytes())
    socketsMax = Math.max(socketsMax, gateway.openFiles().sockets)
  }, sampleMs)
  const agent = new Agent({ keepAlive: true })
  const load = { port, agent, token: issuer.mint(), forMs: seconds * 1000 }
  const loadBoth = (): Promise<[Measured, Measured]> =>
    Promise.all([loadOrdinarily(load), loadOrdinarily({ ...load, port: elsewherePort })])
  const measured: Round[] = []
  let connected = 0
  for (let round = 0; round < rounds; round += 1) {
    const [quiet] = await loadBoth()
    const child = spawn(process.execPath, [program, flood.kind, String(port), issuer.mint()], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    let came = 0
    child.on('message', (count) => (came = Number(count)))
    await untilRisen(gateway, before + flood.connections)
    const [during, elsewhere] = await loadBoth()
    measured.push({ before: quiet, during, elsewhere })
    await end(child)
    connected += came
    await untilEbbed(gateway, before + ordinarySocketsMax)
  }
  clearInterval(sampler)
  agent.destroy()
  await untilEbbed(gateway, before)
  const socketsLeft = Math.max(0, gateway.openFiles().sockets - before)
  const residentGrowthBytes = residentMax - residentBefore
  const said = errors.splice(0)
  const counted = { residentGrowthBytes, socketsMax, socketsLeft, connected }
  return { flood, rounds: measured, ...counted, errors: said }
}

async function untilRisen(gateway: GatewayProcess, sockets: number): Promise<void> {
  const deadline = Date.now() + risingMsMax
  while (gateway.openFiles().sockets < sockets && Date.now() < deadline) await setTimeout(sampleMs)
  await setTimeout(settlingMs)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error('the flood ended by itself')
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

async function untilEbbed(gateway: GatewayProcess, sockets: number): Promise<void> {
  const deadline = Date.now() + ebbingMsMax
  while (gateway.openFiles().sockets > sockets && Date.now() < deadline) await setTimeout(sampleMs)
}
