import { setTimeout as wait } from 'node:timers/promises'
import { percentileOf } from './findings.ts'

/** What became of one request of an open loop. */
export interface Outcome {
  readonly status: number
  /** From the moment at which it was due, so that a server which is late is seen to be late. */
  readonly latencyMs: number
}

export interface OpenLoad {
  readonly perSecond: number
  readonly durationMs: number
  /** Answers the status. */
  readonly askOnce: () => Promise<number>
}

const tickMs = 1

/** Asks so often, however slowly the answers come: those who ask do not know of each other. */
export async function openLoad({
  perSecond,
  durationMs,
  askOnce,
}: OpenLoad): Promise<readonly Outcome[]> {
  const startedAt = performance.now()
  const asked: Promise<Outcome>[] = []
  const ask = async (dueAt: number): Promise<Outcome> => {
    const status = await askOnce()
    return { status, latencyMs: performance.now() - dueAt }
  }
  for (;;) {
    const elapsedMs = performance.now() - startedAt
    const due = (Math.min(elapsedMs, durationMs) * perSecond) / 1000
    while (asked.length < due) asked.push(ask(startedAt + (asked.length * 1000) / perSecond))
    if (elapsedMs >= durationMs) return Promise.all(asked)
    await wait(tickMs)
  }
}

/** The latency that this share of them does not exceed. */
export function percentileMs(outcomes: readonly Outcome[], share: number): number {
  return percentileOf(
    outcomes.map(({ latencyMs }) => latencyMs),
    share,
  )
}
