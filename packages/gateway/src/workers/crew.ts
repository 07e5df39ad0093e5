import type { Log, MetricsSnapshot } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import type { GatewayHealth } from '../gateway.ts'
import type { GatewaySettings } from '../settings/settings.ts'
import { createTurns } from '../exchange/turns.ts'
import type { Member, NoAnswer } from './member.ts'
import { createPlace } from './place.ts'
import type { Answer, Question } from './questions.ts'
import { shareOf } from './share.ts'

/** The workers of one primary. */
export interface Crew {
  /** Resolves with the port once every one of them serves. Rejects where one cannot, and all are ended then. */
  readonly start: () => Promise<number>
  /**
   * Gives all of them other settings: each gets ready for them, and when all are, they are in force. Rejects with a
   * `StartError` where one cannot take them, and nothing has changed then.
   */
  readonly change: (settings: GatewaySettings) => Promise<void>
  /** How many serve. */
  readonly serving: () => number
  readonly health: () => Promise<readonly GatewayHealth[]>
  readonly metrics: () => Promise<readonly CountedBy[]>
  /** Lets each end as a gateway does, for as long as the settings say. */
  readonly stop: () => Promise<void>
}

export interface CountedBy {
  /** Of the worker. */
  readonly number: number
  readonly snapshot: MetricsSnapshot
}

export interface CrewOptions {
  readonly count: number
  readonly settings: GatewaySettings
  readonly log: Log
  readonly fork: (number: number) => Member
  readonly onEnd: (number: number) => void
  readonly onGiveUp: (error: StartError) => void
}

/** Longer than a new issuer is waited for. */
const prepareMsMax = 15_000
const commitMsMax = 5000
/** Beside what requests under way have. */
const stopMsMax = 5000
const healthMsMax = 2000

export function createCrew({ count, settings: first, ...options }: CrewOptions): Crew {
  let settings = first
  const takeTurn = createTurns()
  const places = Array.from({ length: count }, (_, index) => {
    const number = index + 1
    const own = (): GatewaySettings => shareOf(settings, { number, count })
    return createPlace({ ...options, number, takeTurn, settings: own })
  })
  const members = (): readonly Member[] => places.flatMap((place) => place.serving() ?? [])
  const askAll = (question: Question, msMax: number): Promise<readonly (Answer | NoAnswer)[]> =>
    Promise.all(members().map((member) => member.ask(question, msMax)))
  const stop = async (): Promise<void> => {
    const { notReadySeconds, drainSeconds } = settings.stop
    const msMax = (notReadySeconds + drainSeconds) * 1000 + stopMsMax
    await Promise.all(places.map((place) => place.stop(msMax)))
  }
  return {
    start: async () => {
      const outcomes = await Promise.all(places.map((place) => place.start()))
      const failure = outcomes.find((outcome) => outcome instanceof StartError)
      if (failure === undefined) return Number(outcomes[0])
      await stop()
      throw failure
    },
    change: async (next) => {
      const endTurn = await takeTurn()
      try {
        await prepare(members(), next, count)
        settings = next
        await askAll({ kind: 'commit' }, commitMsMax)
      } finally {
        endTurn()
      }
    },
    serving: () => members().length,
    health: async () => {
      const answers = await askAll({ kind: 'health' }, healthMsMax)
      return answers.flatMap((answer) => {
        if (answer.kind === 'silent') return [{ missing: ['silent-worker'], warnings: [] }]
        return answer.kind === 'health' ? [answer.health] : []
      })
    },
    metrics: async () => {
      const asked = members()
      const answers = await askAll({ kind: 'metrics' }, healthMsMax)
      const alive = new Set(members())
      return asked.flatMap((member, index) => {
        const answer = answers[index]
        // What one has counted that has ended meanwhile was told before.
        if (answer?.kind !== 'metrics' || !alive.has(member)) return []
        return [{ number: member.number, snapshot: answer.snapshot }]
      })
    },
    stop,
  }
}

async function prepare(
  members: readonly Member[],
  next: GatewaySettings,
  count: number,
): Promise<void> {
  const answers = await Promise.all(
    members.map(async (member) => {
      const { number } = member
      const settings = shareOf(next, { number, count })
      const answer = await member.ask({ kind: 'prepare', settings }, prepareMsMax)
      // The one that takes its place begins with the new ones.
      if (answer.kind === 'silent') member.kill()
      return answer
    }),
  )
  const refused = answers.find((answer) => answer.kind === 'failed')
  if (refused === undefined) return
  await Promise.all(members.map((member) => member.ask({ kind: 'abandon' }, commitMsMax)))
  throw new StartError(refused.message, refused.remedy)
}
