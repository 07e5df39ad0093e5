import { spawnSync } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Findings, Row } from './findings.ts'
import { atMost, spreadOf } from './findings.ts'
import { startGatewayIn } from './gateway-server.ts'
import { connectionsAtSaturation, connectTo } from './http-load.ts'
import type { IdentityFolder } from './identity-server.ts'
import { audience, makeIdentityFolder, removeFolder, startIdentityIn } from './identity-server.ts'
import { ourRefresh, refreshInTurn } from './refreshing.ts'
import type { Plan } from './rounds.ts'
import type { ServerProcess } from './server-process.ts'

const startsEach = 7
const sessions = 100_000
const quickSessions = 200
/** What a request leaves behind in memory has come to its level by then. */
const refreshes = 20_000
const quickRefreshes = 20
/** After a start it settles: what was only needed for it is given back. */
const settleMs = 2_000

const startMsMax = 700
const residentMbMax = 130
const moonshotStartMs = 300
const moonshotResidentMb = 90

interface Start {
  readonly startMs: number
  readonly residentMb: number
}

/** From the spawn of the process to the first 200 of `/health/ready`, and what it holds then. */
export async function measure(plan: Plan): Promise<Findings> {
  build()
  const small = await makeIdentityFolder(1)
  const large = await makeIdentityFolder(plan.isQuick ? quickSessions : sessions)
  const identity = await startIdentityIn(small, 'RS256')
  const idle = await makeIdentityFolder(1)
  const kinds: ReadonlyMap<string, () => Promise<ServerProcess>> = new Map([
    ['identity', () => startIdentityIn(idle, 'RS256', { how: 'built' })],
    ['identity, from the sources', () => startIdentityIn(idle, 'RS256', { how: 'sources' })],
    ['identity, 100000 sessions', () => startIdentityIn(large, 'RS256', { how: 'built' })],
    ['gateway', () => startGatewayIn(small, 'built')],
    ['gateway, from the sources', () => startGatewayIn(small, 'sources')],
  ])
  try {
    const starts = new Map<string, Start[]>([...kinds.keys()].map((name) => [name, []]))
    for (let round = 0; round < (plan.isQuick ? 1 : startsEach); round += 1) {
      for (const [name, start] of kinds) starts.get(name)?.push(await oneStart(start, plan))
    }
    const worked = await memoryAfterWork(large, plan.isQuick ? quickRefreshes : refreshes)
    return findingsOf(starts, worked)
  } finally {
    await identity.stop()
    for (const folder of [small, idle, large]) removeFolder(folder)
  }
}

/** What npm installs is built, and starts without having types to strip. */
function build(): void {
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd, stdio: 'inherit' })
  if (status !== 0) throw new Error('the build failed')
}

async function oneStart(start: () => Promise<ServerProcess>, { isQuick }: Plan): Promise<Start> {
  const server = await start()
  await wait(isQuick ? 0 : settleMs)
  const residentMb = server.residentMb()
  await server.stop()
  return { startMs: server.startMs, residentMb }
}

/** RS256: the default of an audience. */
async function memoryAfterWork(folder: IdentityFolder, times: number): Promise<number> {
  const server = await startIdentityIn(folder, 'RS256', { how: 'built' })
  const refreshOne = refreshInTurn(folder.refreshTokens, { ...ourRefresh, audience })
  const { ask, close } = connectTo(server, connectionsAtSaturation)
  let left = times
  const loop = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await refreshOne(ask)
    }
  }
  await Promise.all(Array.from({ length: connectionsAtSaturation }, loop))
  const residentMb = server.residentMb()
  close()
  await server.stop()
  return residentMb
}

function findingsOf(starts: ReadonlyMap<string, readonly Start[]>, workedMb: number): Findings {
  const worked = `identity, 100000 sessions, after ${refreshes} refreshes: memory`
  const ready = [...starts].map(([name, each]): Row => {
    const spread = spreadOf(each.map(({ startMs }) => startMs))
    return { name: `${name}: ready`, unit: 'ms', ...spread }
  })
  const memory = [...starts].map(([name, each]): Row => {
    const spread = spreadOf(each.map(({ residentMb }) => residentMb))
    return { name: `${name}: memory`, unit: 'MB', ...spread }
  })
  memory.push({ name: worked, unit: 'MB', ...spreadOf([workedMb]) })
  const goals = (startMs: number, residentMb: number): Findings['mustReach'] => [
    ...ready.filter(asInstalled).map(({ name, median }) => atMost(name, median, startMs)),
    ...memory.filter(asInstalled).map(({ name, median }) => atMost(name, median, residentMb)),
  ]
  return {
    rows: [...ready, ...memory],
    ratios: [],
    mustReach: goals(startMsMax, residentMbMax),
    moonshots: goals(moonshotStartMs, moonshotResidentMb),
    notes: [
      'published, and not measured here: Keycloak 10 s and 1,250 MB, Rauthy 35 to 65 MB',
      'one core: with a second one V8 compiles beside it',
    ],
  }
}

function asInstalled({ name }: Row): boolean {
  return !name.includes('sources')
}
