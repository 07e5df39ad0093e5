import type { Timers } from '../timers.ts'

/**
 * Between 80 and 95 % of a span, by chance, so that a fleet that started in step does not fetch in
 * step for ever. The rest is left for the fetch itself: it is to be over when the span is.
 */
export function jittered(ms: number, { random }: Pick<Timers, 'random'>): number {
  return ms * (0.8 + 0.15 * random())
}
