import { setTimeout } from 'node:timers/promises'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Verifier } from '../verifier.ts'

const patienceMs = 5_000
const pauseMs = 2

/**
 * Waits until a verifier has applied what `revoke` answered, which takes milliseconds: `revoke` itself
 * waits for nobody, like identity. Rejects after five seconds.
 */
export async function untilApplied(
  verifier: Pick<Verifier, 'revocation'>,
  { epoch, seq }: RevocationPosition,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    const health = verifier.revocation()
    if (!health.followed) throw new TypeError('this verifier follows no feed')
    if (health.epoch === epoch && (health.seq ?? -1) >= seq) return
    await setTimeout(pauseMs)
  }
  throw new Error(`the verifier has not applied ${seq} within ${patienceMs} ms: is it ready()?`)
}
