import type { Log } from '@portcullis/runtime'
import { collectYoungGarbageAlone, createLog, StartError } from '@portcullis/runtime'
import type { Gateway, PreparedSettings } from '../gateway.ts'
import { startGateway } from '../gateway.ts'
import type { GatewaySettings } from '../settings/settings.ts'
import type { Answer, Answered, Asked, Question } from './questions.ts'
import { listens } from './questions.ts'

/**
 * One worker: a gateway that does what the primary says. When the primary is gone, so is the worker, by Node's own
 * cluster.
 */
export function runWorker(): void {
  collectYoungGarbageAlone()
  // What a terminal sends to all of a group at once is for the primary.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined)
  const worker = createWorker()
  process.on('SIGTERM', () => void worker.stop().then(leave, leave))
  process.on('message', ({ number, question }: Asked) => {
    const send = (answer: Answer): void => {
      const answered: Answered = { number, answer }
      process.send?.(answered, undefined, undefined, () => undefined)
    }
    worker.answer(question).then(send, (error: unknown) => {
      // It ends, and the primary decides about another one.
      if (!(error instanceof StartError)) throw error
      send({ kind: 'failed', message: error.message, remedy: error.remedy })
    })
  })
  process.send?.(listens)
}

function leave(): void {
  process.exit(0)
}

interface Worker {
  readonly answer: (question: Question) => Promise<Answer>
  readonly stop: () => Promise<void>
}

function createWorker(): Worker {
  let gateway: Gateway | undefined
  let log: Log | undefined
  let prepared: PreparedSettings | undefined
  const running = (): Gateway => {
    if (gateway === undefined) throw new TypeError('a worker was asked before it has started')
    return gateway
  }
  const start = async (number: number, settings: GatewaySettings): Promise<Answer> => {
    log = createLog({ name: 'gateway', worker: number })
    gateway = await startGateway(settings, { log })
    return { kind: 'started', port: gateway.port }
  }
  /** Once: who could not get ready is told to abandon too, and must not abandon what is in force. */
  const takePrepared = (): PreparedSettings | undefined => {
    const taken = prepared
    prepared = undefined
    return taken
  }
  const stop = async (): Promise<void> => gateway?.close()
  return {
    stop,
    answer: async (question) => {
      switch (question.kind) {
        case 'start':
          return start(question.number, question.settings)
        case 'prepare':
          prepared = await running().prepare(question.settings)
          return { kind: 'done' }
        case 'commit':
          takePrepared()?.commit()
          return { kind: 'done' }
        case 'abandon':
          takePrepared()?.abandon()
          return { kind: 'done' }
        case 'health':
          return { kind: 'health', health: await running().health() }
        case 'metrics':
          return { kind: 'metrics', snapshot: await running().metrics.snapshot() }
        case 'stop':
          await stop()
          return { kind: 'done' }
      }
    },
  }
}
