import type { Log } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import type { GatewaySettings } from '../settings/settings.ts'
import type { End, Member } from './member.ts'
import { createRestarts } from './restarts.ts'

/** One place among the workers, in which there is one after the other. */
export interface Place {
  /** Puts the first one there, and answers its port. From then on another one follows each that ends. */
  readonly start: () => Promise<number | StartError>
  /** The one that serves. */
  readonly serving: () => Member | undefined
  /** Lets it end as a gateway does, and kills it when that takes longer. */
  readonly stop: (msMax: number) => Promise<void>
}

export interface PlaceOptions {
  readonly number: number
  readonly log: Log
  readonly fork: (number: number) => Member
  /** What one that begins now has to do. */
  readonly settings: () => GatewaySettings
  /** While somebody has the turn, nobody begins and no settings change. */
  readonly takeTurn: () => Promise<() => void>
  /** One has ended although nobody had said so. */
  readonly onEnd: (number: number) => void
  /** They end again and again as soon as they are there. */
  readonly onGiveUp: (error: StartError) => void
}

/** To load the program, on a machine that is busy. */
const startMsMax = 30_000
const remedy = 'What it has said last, in the log or above, tells why.'

export function createPlace(options: PlaceOptions): Place {
  const { number, log, fork, onEnd, onGiveUp } = options
  const restarts = createRestarts()
  let member: Member | undefined
  let isServing = false
  let isStopping = false
  let failure: StartError | undefined
  let restart: NodeJS.Timeout | undefined

  async function begin(): Promise<number | StartError> {
    const begun = (member = fork(number))
    void begun.ended.then(() => (isServing = false))
    const outcome = await enlist(begun, options, () => (isServing = true))
    if (outcome instanceof StartError) begun.kill()
    failure = outcome instanceof StartError ? outcome : undefined
    return outcome
  }

  function follow({ how, livedMs }: End): void {
    if (isStopping) return
    onEnd(number)
    const restartMs = restarts.afterEnd(livedMs)
    const detail = failure?.message
    log.error(
      {
        worker: number,
        how: String(how),
        livedMs: Math.round(livedMs),
        restartMs,
        detail,
      },
      'a worker has ended',
    )
    if (restartMs === undefined) {
      const why = detail === undefined ? '' : `: ${detail}`
      const message = `worker ${number} ends again and again${why}`
      onGiveUp(new StartError(message, failure?.remedy ?? remedy))
    } else {
      restart = setTimeout(() => void beginAgain(), restartMs)
    }
  }

  async function beginAgain(): Promise<void> {
    const outcome = await begin()
    // Its place is taken by the next one when it has ended, also where it never served.
    void member?.ended.then(follow)
    if (typeof outcome === 'number') log.info({ worker: number }, 'another worker is in its place')
  }

  return {
    start: async () => {
      const outcome = await begin()
      if (typeof outcome === 'number') void member?.ended.then(follow)
      return outcome
    },
    serving: () => (isServing ? member : undefined),
    stop: async (msMax) => {
      isStopping = true
      clearTimeout(restart)
      if (isServing) await member?.ask({ kind: 'stop' }, msMax)
      member?.kill()
      await member?.ended
    },
  }
}

/** Has a process that was forked serve. Answers its port, or why it does not. */
async function enlist(
  member: Member,
  { number, settings, takeTurn }: PlaceOptions,
  onServing: () => void,
): Promise<number | StartError> {
  const patience = setTimeout(member.kill, startMsMax)
  await member.listens
  clearTimeout(patience)
  const endTurn = await takeTurn()
  const question = { kind: 'start', number, settings: settings() } as const
  const answer = await member.ask(question, startMsMax)
  // Before anybody else has the turn: who changes the settings then must not pass it by.
  if (answer.kind === 'started') onServing()
  endTurn()
  if (answer.kind === 'started') return answer.port
  return answer.kind === 'failed'
    ? new StartError(answer.message, answer.remedy)
    : new StartError(`worker ${number} does not start`, remedy)
}
