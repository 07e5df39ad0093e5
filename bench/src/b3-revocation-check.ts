import type { Findings, Goal, Row, Sample } from './findings.ts'
import { atLeast, atMost, medianCpuUs, ratioOf, samplesOf, spreadOf, timeRow } from './findings.ts'
import type { HolderAnswer, HolderQuestion } from './holder-process.ts'
import { measuredCore } from './pinning.ts'
import type { HolderName } from './revocation-holders.ts'
import type { Plan } from './rounds.ts'
import { interleave } from './rounds.ts'
import type { Worker } from './worker.ts'
import { startWorker } from './worker.ts'

/** What a JavaScript Map or Set can hold. */
const mapEntriesMax = 2 ** 24
const beyondMap = mapEntriesMax + 2 ** 17
const sizes = [100_000, 1_000_000, 10_000_000, beyondMap]
const quickSizes = [100_000]
const names: readonly HolderName[] = ['ours', 'Map', 'Set', 'Map of ids']

const nanosecondsMax = 500
const moonshotNanoseconds = 300
const bytesMax = 32
const moonshotBytes = 16
const timesMap = 1.5
/** A lookup beyond 2^24 may take so many times what it took at ten million. */
const cliffMax = 1.5
/** The peers take about 150 bytes a record. */
const heapMb = 8_192

type HolderWorker = Worker<HolderQuestion, HolderAnswer>

/** What was found at one size. */
interface Stage {
  readonly size: number
  readonly grown: ReadonlyMap<HolderName, HolderAnswer>
  /** Without those that could not grow so far. */
  readonly checks: ReadonlyMap<string, readonly Sample[]>
}

/**
 * One token looked up by its client, account, session and id, mostly in vain, while so many records are
 * held. Each holder is in a process of its own and grows from one size to the next.
 */
export async function measure(plan: Plan): Promise<Findings> {
  const workers = new Map<HolderName, HolderWorker>(
    names.map((name) => [
      name,
      startWorker({ file: 'holder-process.ts', parameters: [name], core: measuredCore, heapMb }),
    ]),
  )
  const stages: Stage[] = []
  for (const size of plan.isQuick ? quickSizes : sizes) {
    stages.push(await measureStage(workers, size, plan))
  }
  for (const worker of workers.values()) await worker.end()
  return findingsOf(stages)
}

async function measureStage(
  workers: ReadonlyMap<HolderName, HolderWorker>,
  size: number,
  plan: Plan,
): Promise<Stage> {
  const grown = new Map<HolderName, HolderAnswer>()
  for (const [name, worker] of workers) {
    grown.set(name, await worker.ask({ kind: 'grow', records: size }))
  }
  const full = [...workers].filter(([name]) => grown.get(name)?.records === size)
  const checks = await interleave(
    full.map(([name, worker]) => ({
      name,
      sample: async (roundMs) => (await worker.ask({ kind: 'sample', roundMs })).sample,
    })),
    plan,
  )
  return { size, grown, checks }
}

function findingsOf(stages: readonly Stage[]): Findings {
  const rows = stages.flatMap(rowsOf)
  const ratios = stages.flatMap(({ size, checks }) =>
    names
      .filter((name) => name !== 'ours' && checks.has(name))
      .map((name) =>
        ratioOf(
          `${sizeText(size)}: ${name} to ours`,
          samplesOf(checks, name),
          samplesOf(checks, 'ours'),
        ),
      ),
  )
  return { rows, ratios, ...goalsOf(stages), notes: stages.flatMap(stopsOf) }
}

function rowsOf({ size, grown, checks }: Stage): readonly Row[] {
  const where = sizeText(size)
  const held = names.flatMap((name) => {
    const { bytesPerRecord = 0, joins = [], records = 0 } = grown.get(name) ?? {}
    if (records < size) return []
    const bytes = spreadOf([bytesPerRecord])
    return [
      { name: `${where}: ${name}, memory a record`, unit: 'B', ...bytes },
      timeRow(`${where}: ${name}, one record more`, joins, 'ns'),
    ]
  })
  const checked = [...checks].map(([name, samples]) =>
    timeRow(`${where}: ${name}, one token`, samples, 'ns'),
  )
  return [...checked, ...held]
}

/** A quick run has no size of which something is asked, but for the smallest: its goals are held there. */
function goalsOf(stages: readonly Stage[]): Pick<Findings, 'mustReach' | 'moonshots'> {
  const stage = stages.find(({ size }) => size === 1_000_000) ?? stages[0]
  if (stage === undefined) throw new TypeError('nothing was measured')
  const where = sizeText(stage.size)
  const ours = samplesOf(stage.checks, 'ours')
  const map = samplesOf(stage.checks, 'Map')
  const nanoseconds = medianCpuUs(ours) * 1000
  const bytes = stage.grown.get('ours')?.bytesPerRecord ?? Infinity
  return {
    mustReach: [
      atMost(`${where}: nanoseconds a token`, nanoseconds, nanosecondsMax),
      atMost(`${where}: bytes a record`, bytes, bytesMax),
      atLeast(`${where}: times as quick as a Map`, ratioOf('', map, ours).median, timesMap),
      ...cliffGoals(stages),
    ],
    moonshots: [
      atMost(`${where}: nanoseconds a token`, nanoseconds, moonshotNanoseconds),
      atMost(`${where}: bytes a record`, bytes, moonshotBytes),
    ],
  }
}

function cliffGoals(stages: readonly Stage[]): readonly Goal[] {
  const [before, beyond] = stages.slice(-2)
  if (before === undefined || beyond?.size !== beyondMap) return []
  const records = beyond.grown.get('ours')?.records ?? 0
  const held = atLeast('records held where a Map ends', records, beyondMap)
  if (!held.reached) return [held]
  const now = medianCpuUs(samplesOf(beyond.checks, 'ours'))
  const then = medianCpuUs(samplesOf(before.checks, 'ours'))
  return [held, atMost('slower beyond 2^24 than at 10^7, times', now / then, cliffMax)]
}

function stopsOf({ size, grown }: Stage): readonly string[] {
  return [...grown]
    .filter(([, { records }]) => records < size)
    .map(([name, { records }]) => `${name} holds ${records} and no more`)
}

function sizeText(size: number): string {
  return size === beyondMap ? '2^24 + 2^17' : `10^${Math.log10(size)}`
}
