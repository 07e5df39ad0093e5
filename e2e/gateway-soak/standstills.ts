import type { Span } from './spans.ts'
import { keepSpan, metAny } from './spans.ts'

/** Moments at which this machine had no time for this process, and so perhaps for none of the others. */
export interface Standstills {
  readonly stoodStill: (fromMs: number, untilMs: number) => boolean
  readonly end: () => void
}

const lookMs = 50
/** Node closes an idle connection after five or six seconds, undici leaves it alone after three. */
const standstillMs = 1000
/** How long what was delayed by it may go on. */
const afterMs = 2000

export function watchStandstills(): Standstills {
  const spans: Span[] = []
  let lastMs = Date.now()
  const timer = setInterval(() => {
    const now = Date.now()
    if (now - lastMs > standstillMs) keepSpan(spans, { fromMs: lastMs, untilMs: now + afterMs })
    lastMs = now
  }, lookMs)
  return {
    stoodStill: (fromMs, untilMs) =>
      Date.now() - lastMs > standstillMs || metAny(spans, fromMs, untilMs),
    end: () => clearInterval(timer),
  }
}
