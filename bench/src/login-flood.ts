import { setTimeout as wait } from 'node:timers/promises'
import type { Ask } from './http-load.ts'
import { connectTo } from './http-load.ts'
import { audience } from './identity-server.ts'
import type { Outcome } from './open-load.ts'
import { openLoad, percentileMs } from './open-load.ts'
import { ourRefresh, refreshInTurn } from './refreshing.ts'
import type { Plan } from './rounds.ts'
import type { ServerProcess } from './server-process.ts'

export interface FloodedRound {
  readonly aloneP50Ms: number
  readonly aloneP99Ms: number
  readonly floodedP50Ms: number
  readonly floodedP99Ms: number
  readonly refusalP99Ms: number
  readonly signedInPerSecond: number
}

const rounds = 5
const roundMs = 5_000
const quickRoundMs = 1_500
/** A steady load that leaves the core nearly idle. */
const refreshesPerSecond = 60
/** So many times what can be answered. */
const floodTimes = 5
/** In a quick run the capacity is a guess, and the queue must fill all the same. */
const floodPerSecondMin = 250
/** By then the queue of passwords is full. */
const fillMs = 1_500

export interface Flood {
  readonly server: ServerProcess
  readonly refreshTokens: readonly string[]
  /** Answers the status. */
  readonly login: (ask: Ask) => Promise<number>
  /** What the server answers at most. */
  readonly loginsPerSecondMax: number
}

/** People who refresh, alone and then beside five times as many logins as can be answered. */
export async function floodInRounds(
  { server, refreshTokens, login, loginsPerSecondMax }: Flood,
  { isQuick }: Plan,
): Promise<readonly FloodedRound[]> {
  const people = connectTo(server, Infinity)
  const crowd = connectTo(server, Infinity)
  const refreshOne = refreshInTurn(refreshTokens, { ...ourRefresh, audience })
  const durationMs = isQuick ? quickRoundMs : roundMs
  const refreshing = (): Promise<readonly Outcome[]> =>
    openLoad({
      perSecond: refreshesPerSecond,
      durationMs,
      askOnce: async () => {
        await refreshOne(people.ask)
        return 200
      },
    })
  const found: FloodedRound[] = []
  while (found.length < (isQuick ? 1 : rounds)) {
    const alone = await refreshing()
    const flooding = openLoad({
      perSecond: Math.max(loginsPerSecondMax * floodTimes, floodPerSecondMin),
      durationMs: fillMs + durationMs,
      askOnce: () => login(crowd.ask),
    })
    await wait(fillMs)
    const flooded = await refreshing()
    found.push(roundOf(alone, flooded, await flooding, fillMs + durationMs))
  }
  people.close()
  crowd.close()
  return found
}

function roundOf(
  alone: readonly Outcome[],
  flooded: readonly Outcome[],
  logins: readonly Outcome[],
  floodedMs: number,
): FloodedRound {
  const refusals = logins.filter(({ status }) => status === 503)
  const signedIn = logins.filter(({ status }) => status === 200)
  if (refusals.length + signedIn.length < logins.length) throw new Error('a login went wrong')
  // Those that still waited when nobody came any more were answered later.
  const lastAnswerMs = floodedMs + Math.max(...signedIn.slice(-1).map((each) => each.latencyMs))
  return {
    aloneP50Ms: percentileMs(alone, 0.5),
    aloneP99Ms: percentileMs(alone, 0.99),
    floodedP50Ms: percentileMs(flooded, 0.5),
    floodedP99Ms: percentileMs(flooded, 0.99),
    refusalP99Ms: percentileMs(refusals, 0.99),
    signedInPerSecond: (signedIn.length * 1000) / lastAnswerMs,
  }
}
