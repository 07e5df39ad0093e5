import { endSession } from './ended-session.ts'
import type { Findings, Row } from './findings.ts'
import { atMost, percentileOf, spreadOf } from './findings.ts'
import type { Followers } from './followers.ts'
import { startFollowers } from './followers.ts'
import type { Connections } from './http-load.ts'
import { connectTo } from './http-load.ts'
import { makeIdentityFolder, removeFolder, startIdentityIn } from './identity-server.ts'
import { quantileRow, quantileRows } from './reject-rows.ts'
import type { Plan } from './rounds.ts'
import type { ServerProcess } from './server-process.ts'
import type { Webhooks } from './webhooks.ts'
import { startWebhooks } from './webhooks.ts'

interface Amounts {
  readonly followers: number
  readonly processes: number
  readonly webhooks: number
  readonly rounds: number
  /** Sessions that end in each block, and before the first. */
  readonly each: number
  readonly warmUp: number
}

const amounts: Amounts = {
  followers: 100,
  processes: 4,
  webhooks: 1_000,
  rounds: 5,
  each: 100,
  warmUp: 50,
}
const quickAmounts: Amounts = {
  followers: 2,
  processes: 1,
  webhooks: 20,
  rounds: 1,
  each: 2,
  warmUp: 0,
}

/** Shorter than in B4: what is pushed falls further behind so. */
const pauseMsMax = 200

/** What was found while so many sessions ended. */
interface Block {
  /** From the request of each logout until each follower had answered 401. */
  readonly rejectMs: readonly number[]
  readonly acknowledgeMs: readonly number[]
  /** Of identity, after each session. */
  readonly residentMb: readonly number[]
  /** Of one core, that identity has used. */
  readonly cpuShare: number
  readonly pushesPerSecond: number
}

/** The feed of an issuer, first without any webhook and then with a thousand, turn by turn. */
export async function measure(plan: Plan): Promise<Findings> {
  const chosen = plan.isQuick ? quickAmounts : amounts
  const { rounds, each, warmUp } = chosen
  const folder = await makeIdentityFolder(2 * (warmUp + rounds * each))
  const streams = { reachableNetworks: ['127.0.0.1'] }
  const server = await startIdentityIn(folder, 'RS256', { streams })
  const followers = startFollowers(chosen.processes)
  const connections = connectTo(server, 1)
  const webhooks = await startWebhooks(folder.issuer)
  try {
    const node = { issuer: folder.issuer, origin: server.origin }
    await followers.follow({ node, followers: chosen.followers })
    const refreshTokens = [...folder.refreshTokens]
    const next = (): string => refreshTokens.pop() ?? ''
    const scene = { server, followers, connections, webhooks, next }
    if (warmUp > 0) await measureRound(scene, { ...chosen, each: warmUp })
    const found: Round[] = []
    while (found.length < rounds) found.push(await measureRound(scene, chosen))
    await followers.leave()
    return findingsOf(chosen, found)
  } finally {
    connections.close()
    await followers.end()
    await server.stop()
    await webhooks.end()
    removeFolder(folder)
  }
}

interface Scene {
  readonly server: ServerProcess
  readonly followers: Followers
  readonly connections: Connections
  readonly webhooks: Webhooks
  /** The refresh token of a session that has not ended. */
  readonly next: () => string
}

interface Round {
  readonly without: Block
  readonly beside: Block
}

async function measureRound(
  scene: Scene,
  { webhooks: count, each }: Pick<Amounts, 'webhooks' | 'each'>,
): Promise<Round> {
  await scene.webhooks.untilQuiet()
  const without = await measureBlock(scene, each)
  await scene.webhooks.make(count)
  const beside = await measureBlock(scene, each)
  await scene.webhooks.remove()
  return { without, beside }
}

async function measureBlock(
  { server, followers, connections, webhooks, next }: Scene,
  each: number,
): Promise<Block> {
  const rejectMs: number[] = []
  const acknowledgeMs: number[] = []
  const residentMb: number[] = []
  const before = await webhooks.pushes()
  const cpuBeforeUs = server.cpuUs()
  const startedAt = performance.now()
  while (residentMb.length < each) {
    const ended = await endSession(connections, followers, next(), pauseMsMax)
    rejectMs.push(...ended.refusedAtMs.map((atMs) => atMs - ended.startMs))
    acknowledgeMs.push(ended.acknowledgedAtMs - ended.startMs)
    residentMb.push(server.residentMb())
  }
  const tookMs = performance.now() - startedAt
  const after = await webhooks.pushes()
  return {
    rejectMs,
    acknowledgeMs,
    residentMb,
    cpuShare: (server.cpuUs() - cpuBeforeUs) / 1000 / tookMs,
    pushesPerSecond: ((totalOf(after) - totalOf(before)) * 1000) / tookMs,
  }
}

function totalOf({ taken, refused, hung }: Awaited<ReturnType<Webhooks['pushes']>>): number {
  return taken + refused + hung
}

/** That of a 99th percentile itself, from run to run, is no less. */
const p99RatioMax = 1.15
/** From collection to collection what is resident goes up and down by more than a tenth; what leaks only goes up. */
const growthMax = 1.1

function findingsOf({ followers, webhooks }: Amounts, found: readonly Round[]): Findings {
  const without = found.map((round) => round.without)
  const beside = found.map((round) => round.beside)
  const named = [
    ['no webhooks', without],
    [`${webhooks} webhooks`, beside],
  ] as const
  return {
    rows: [
      ...named.flatMap(([name, blocks]) => rowsOf(name, blocks)),
      spreadRow('pushes a second', '/s', beside, ({ pushesPerSecond }) => [pushesPerSecond]),
    ],
    ratios: [0.5, 0.99].map((share) => ({
      name: `401 beside ${webhooks} webhooks / without, p${share * 100}`,
      ...spreadOf(
        found.map(
          (round) =>
            percentileOf(round.beside.rejectMs, share) /
            percentileOf(round.without.rejectMs, share),
        ),
      ),
    })),
    mustReach: [
      atMost(`${followers} followers beside ${webhooks} webhooks: p99 in ms`, p99Of(beside), 50),
      atMost('p99 of all, beside webhooks / without', p99Of(beside) / p99Of(without), p99RatioMax),
      atMost(
        'most that is resident, in the later rounds / in the first',
        growthOf(beside),
        growthMax,
      ),
    ],
    moonshots: [],
    notes: [
      'of the webhooks a tenth never answer, a tenth answer 500, and the others 202',
      'the blocks take turns; webhooks are made before each of theirs, and deleted behind it',
      'sessions end several times as fast as pushes are made, so that they never have a rest',
      'the receivers are a process on the cores of the followers, and what they take is in the figures',
    ],
  }
}

function p99Of(blocks: readonly Block[]): number {
  return percentileOf(
    blocks.flatMap(({ rejectMs }) => rejectMs),
    0.99,
  )
}

function rowsOf(name: string, blocks: readonly Block[]): readonly Row[] {
  const rejectMs = blocks.map((block) => block.rejectMs)
  const acknowledgeMs = blocks.map((block) => block.acknowledgeMs)
  return [
    ...quantileRows(`${name}: 401`, rejectMs),
    quantileRow(`${name}: 200 of the logout`, acknowledgeMs, 0.5),
    ...halvesOf(blocks).map((half, at) =>
      spreadRow(
        `${name}: resident, ${at === 0 ? 'first' : 'later'} rounds`,
        'MB',
        half,
        ({ residentMb }) => residentMb,
      ),
    ),
    spreadRow(`${name}: of a core`, '', blocks, ({ cpuShare }) => [cpuShare]),
  ]
}

function spreadRow(
  name: string,
  unit: string,
  blocks: readonly Block[],
  valuesOf: (block: Block) => readonly number[],
): Row {
  return { name, unit, ...spreadOf(blocks.flatMap(valuesOf)) }
}

/** Of as many rounds each, without the one in the middle. */
function halvesOf(blocks: readonly Block[]): readonly (readonly Block[])[] {
  const half = Math.max(1, Math.floor(blocks.length / 2))
  return [blocks.slice(0, half), blocks.slice(-half)]
}

/** What was warmed up holds no more at the end than at the beginning. */
function growthOf(blocks: readonly Block[]): number {
  const [earlier = NaN, later = NaN] = halvesOf(blocks).map((half) =>
    Math.max(...half.flatMap(({ residentMb }) => residentMb)),
  )
  return later / earlier
}
