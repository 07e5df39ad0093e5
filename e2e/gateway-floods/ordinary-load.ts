import type { Agent, IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { setTimeout } from 'node:timers/promises'

export interface OrdinaryLoad {
  readonly port: number
  readonly agent: Agent
  readonly token: string
  readonly forMs: number
}

/** How long ordinary callers wait. */
export interface Measured {
  readonly count: number
  /** How long they came. */
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers other than 200, and none at all. */
  readonly failures: readonly string[]
}

const perSecond = 200

/** Asks at a steady pace, whether or not what was asked before is answered: waiting hides nothing. */
export async function loadOrdinarily(load: OrdinaryLoad): Promise<Measured> {
  const stepMs = 1000 / perSecond
  const count = Math.ceil(load.forMs / stepMs)
  const startedAt = performance.now()
  const waits: number[] = []
  const failures: string[] = []
  const asked: Promise<void>[] = []
  for (let n = 0; n < count; n += 1) {
    const dueMs = startedAt + n * stepMs
    const earlyMs = dueMs - performance.now()
    if (earlyMs > 0) await setTimeout(earlyMs)
    const sentAt = performance.now()
    const note = async (): Promise<void> => {
      const answer = await ask(load).catch(String)
      waits.push(performance.now() - sentAt)
      if (answer !== 200) failures.push(String(answer))
    }
    asked.push(note())
  }
  await Promise.all(asked)
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Infinity
  return { count, seconds: load.forMs / 1000, p50Ms: at(0.5), p99Ms: at(0.99), failures }
}

function ask({ port, agent, token }: OrdinaryLoad): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { authorization: `Bearer ${token}` }
  const sent = request({ host: '127.0.0.1', port, agent, path: '/orders/echo', headers })
  sent.on('error', reject)
  sent.once('response', (response: IncomingMessage) => {
    response.on('error', reject)
    response.once('end', () => resolve(response.statusCode ?? 0))
    response.resume()
  })
  sent.end()
  return promise
}
