import { Agent } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { createChance } from '../crash/chance.ts'
import { openBook } from './book.ts'
import type { MemorySample } from './flatness.ts'
import type { GatewayProcess, OpenFiles } from './gateway-process.ts'
import { load } from './load.ts'
import type { Scene } from './scene.ts'
import { watchStandstills } from './standstills.ts'
import { followEvents, talk } from './streams.ts'
import { makeTrouble } from './trouble.ts'
import type { SoakWorld } from './world.ts'
import { startSoakWorld } from './world.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly folder: string
  readonly tell: (text: string) => void
}

export interface SoakReport {
  readonly counts: ReadonlyMap<string, number>
  readonly longest: ReadonlyMap<string, number>
  readonly faults: readonly string[]
  readonly wrong: number
  /** Deeds a second, and of the gateway's core, with nothing to wait for; and during the run. */
  readonly capacity: Rate
  readonly rate: Rate
  readonly seconds: number
  readonly samples: readonly MemorySample[]
  readonly openFilesBefore: OpenFiles
  readonly openFilesAfter: OpenFiles
  readonly requestsLogged: number
  readonly warnings: ReadonlyMap<string, number>
}

export interface Rate {
  readonly perSecond: number
  readonly cpuShare: number
}

const workers = 96
const streamsOfEachKind = 12
const sessionsAtFirst = 16
const warmUpMs = 4000
const measuredMs = 8000
/** Of what the gateway can take. */
const loadShare = 0.7
const samplesPerRun = 60
const sampleMsMin = 2000

/** Everything around a gateway goes on at once, and each answer is held against what may be. */
export async function runGatewaySoak(options: SoakOptions): Promise<SoakReport> {
  const book = openBook((fault) => options.tell(`WRONG: ${fault}`))
  const world = await startSoakWorld(options, book)
  try {
    const openFilesBefore = world.gateway.openFiles()
    const run = await soak(options, world)
    const openFilesAfter = await untilClosed(world.gateway, openFilesBefore)
    await lookAtEnd(world)
    const requestsLogged = world.gateway.logged()
    const how = await world.gateway.stop()
    if (how !== 0) book.fault(`the gateway ended with ${how}`)
    const { counts, longest, faults } = book
    const { warnings } = world
    const noted = { counts, longest, faults, wrong: book.wrong(), warnings }
    return { ...noted, ...run, openFilesBefore, openFilesAfter, requestsLogged }
  } finally {
    await world.stop()
  }
}

type Run = Pick<SoakReport, 'capacity' | 'rate' | 'seconds' | 'samples'>

async function soak({ minutes, seed, tell }: SoakOptions, world: SoakWorld): Promise<Run> {
  const { gateway, issuer, sessions, book } = world
  for (let n = 0; n < sessionsAtFirst; n += 1) await sessions.signIn()
  const agent = new Agent({ keepAlive: true })
  let isOver = false
  const standstills = watchStandstills()
  const { stoodStill } = standstills
  const chance = createChance(seed)
  const scene: Scene = { ...world, agent, chance, stoodStill, isOver: () => isOver }
  const freshness = sessions.keepFresh(scene.isOver)
  const capacity = await measure(scene, gateway)
  tell(`the gateway takes ${told(capacity)}`)

  const running = load(scene, workers, capacity.perSecond * loadShare)
  const streams = Array.from({ length: streamsOfEachKind }, () => [
    followEvents(scene),
    talk(scene),
  ])
  const trouble = makeTrouble({ ...scene, chance: world.chanceOfTrouble }, gateway, issuer)
  const startedAt = performance.now()
  gateway.cpuShare()
  const samples = await watchMemory(gateway, minutes * 60_000, (sample) => {
    const rate = `${(running.done() / sample.seconds).toFixed(0)} a second`
    const wrong = `${book.wrong()} wrong`
    tell(`${sample.seconds.toFixed(0)} s: ${rate}, ${mebibytes(sample)}, ${wrong}`)
  })
  isOver = true
  const seconds = (performance.now() - startedAt) / 1000
  const rate = { perSecond: running.done() / seconds, cpuShare: gateway.cpuShare() }
  await Promise.all([running.ended, ...streams.flat(), trouble, freshness])
  agent.destroy()
  standstills.end()
  return { capacity, rate, seconds, samples }
}

/** What it can take: as many as it answers, nobody waiting, before anything else happens. */
async function measure(scene: Scene, gateway: GatewayProcess): Promise<Rate> {
  let isOver = false
  const running = load({ ...scene, isOver: () => isOver }, workers, Infinity)
  await setTimeout(warmUpMs)
  gateway.cpuShare()
  const before = running.done()
  const startedAt = performance.now()
  await setTimeout(measuredMs)
  const perSecond = ((running.done() - before) * 1000) / (performance.now() - startedAt)
  const cpuShare = gateway.cpuShare()
  isOver = true
  await running.ended
  return { perSecond, cpuShare }
}

async function watchMemory(
  gateway: GatewayProcess,
  forMs: number,
  onSample: (sample: MemorySample) => void,
): Promise<readonly MemorySample[]> {
  const startedAt = performance.now()
  const everyMs = Math.max(sampleMsMin, forMs / samplesPerRun)
  const samples: MemorySample[] = []
  for (let atMs = everyMs; atMs <= forMs; atMs += everyMs) {
    await setTimeout(Math.max(0, startedAt + atMs - performance.now()))
    const heapBytes = await gateway.heap.bytesInUse()
    const seconds = (performance.now() - startedAt) / 1000
    const sample = { seconds, heapBytes, residentBytes: gateway.residentBytes() }
    samples.push(sample)
    onSample(sample)
  }
  return samples
}

/** Connections that nobody uses close by themselves, after seconds; an answer that nobody takes is given up after 60. */
const closingMsMax = 75_000

async function untilClosed(gateway: GatewayProcess, before: OpenFiles): Promise<OpenFiles> {
  const deadline = Date.now() + closingMsMax
  for (;;) {
    const open = gateway.openFiles()
    if ((open.all <= before.all && open.sockets <= before.sockets) || Date.now() > deadline)
      return open
    await setTimeout(200)
  }
}

/** Nothing may be under way any more, here or behind the gateway. */
async function lookAtEnd({ book, services, gateway }: SoakWorld): Promise<void> {
  const metrics = await gateway.metrics()
  const underWay = metrics.get('portcullis_gateway_requests_under_way')
  if (underWay !== 0) book.fault(`${underWay} requests are still under way`)
  for (const service of services) {
    // The one that asks is one.
    const { underWay: there, switched } = await service.underWay()
    if (there > 1 || switched > 0)
      book.fault(`${service.name} is still at ${there - 1} answers and ${switched} WebSockets`)
  }
}

export function told({ perSecond, cpuShare }: Rate): string {
  return `${perSecond.toFixed(0)} a second at ${(cpuShare * 100).toFixed(0)} % of a core`
}

export function mebibytes({
  heapBytes,
  residentBytes,
}: Pick<MemorySample, 'heapBytes' | 'residentBytes'>): string {
  const [heap, resident] = [heapBytes, residentBytes].map((bytes) => (bytes / 2 ** 20).toFixed(1))
  return `heap ${heap} MiB, resident ${resident} MiB`
}
