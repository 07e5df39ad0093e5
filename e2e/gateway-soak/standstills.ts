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
const kept = 20

export function watchStandstills(): Standstills {
  const spans: { readonly fromMs: number; readonly untilMs: number }[] = []
  let lastMs = Date.now()
  const timer = setInterval(() => {
    const now = Date.now()
    if (now - lastMs > standstillMs) spans.push({ fromMs: lastMs, untilMs: now + afterMs })
    if (spans.length > kept) spans.shift()
    lastMs = now
  }, lookMs)
  return {
    stoodStill: (fromMs, untilMs) =>
      Date.now() - lastMs > standstillMs ||
      spans.some((span) => span.fromMs <= untilMs && span.untilMs >= fromMs),
    end: () => clearInterval(timer),
  }
}
