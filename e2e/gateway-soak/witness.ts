import { createVerifier } from '@portcullis/verify'
import type { Span } from './spans.ts'
import { keepSpan, metAny } from './spans.ts'

/** Another follower of the feed, by which it is known when the issuer has vouched for nothing. */
export interface Witness {
  /** Whether the last word of the issuer was so old at some moment in between that a token may be refused as stale. */
  readonly wasSilent: (fromMs: number, untilMs: number) => boolean
  readonly close: () => Promise<void>
}

const lookMs = 100
/** A gateway that is busier than this process hears of it later, but not by so much. */
const silentMs = 15_000
/** How long the gateway may take to hear again what is heard here. */
const afterMs = 2000

export async function startWitness(issuer: string): Promise<Witness> {
  const verifier = createVerifier({ issuer, audience: 'orders' })
  await verifier.ready()
  const silences: (Span & { untilMs: number })[] = []
  const timer = setInterval(() => {
    const health = verifier.revocation()
    if (!health.followed || health.checkpointAt === undefined) return
    const now = Date.now()
    const fromMs = health.checkpointAt + silentMs
    if (now < fromMs) return
    const last = silences.at(-1)
    if (last?.fromMs === fromMs) last.untilMs = now + afterMs
    else keepSpan(silences, { fromMs, untilMs: now + afterMs })
  }, lookMs)
  return {
    wasSilent: (fromMs, untilMs) => metAny(silences, fromMs, untilMs),
    close: () => {
      clearInterval(timer)
      return verifier.close()
    },
  }
}
