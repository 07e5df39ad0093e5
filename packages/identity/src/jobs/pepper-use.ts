import type { Log } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { PepperClaim, PepperStore } from '../domain/pepper-use.ts'
import { pepperRenewalMs } from '../domain/pepper-use.ts'

/** Says every hour which pepper is issued with, until the returned function has been called. */
export function startNotingPepperUse(
  peppers: Pick<PepperStore, 'renew'>,
  claim: PepperClaim,
  log: Log,
): () => Promise<void> {
  return takeSteadySteps({
    step: async () => {
      await peppers.renew(claim)
      return undefined
    },
    everyMs: pepperRenewalMs,
    trouble: 'which pepper refresh tokens are issued with was not noted',
    recovery: 'which pepper refresh tokens are issued with is noted again',
    log,
  })
}
