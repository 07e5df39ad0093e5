import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { Keyring } from '../domain/keyring.ts'

/** Lets the keyring tick every second until the returned function has been called. */
export function startKeyTicks(
  keyring: Pick<Keyring, 'tick'>,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return takeSteadySteps({
    step: () => tick(keyring, log),
    everyMs: 1000,
    trouble: 'the signing keys cannot be kept up; those held before stay in use',
    recovery: 'the signing keys are kept up again',
    log,
    repeat,
  })
}

async function tick(keyring: Pick<Keyring, 'tick'>, log: Log): Promise<object | undefined> {
  const outcome = await keyring.tick()
  if (outcome.kind === 'unopenable') return { kid: outcome.kid, reason: outcome.why }
  const { rotated, destroyed, retired } = outcome
  if (rotated.length > 0) log.info({ rotated }, 'signing keys have rotated')
  if (retired !== undefined) log.info({ retired }, 'signing keys of unused algorithms retire')
  if (destroyed.length > 0) log.info({ destroyed }, 'signing keys are destroyed')
  return undefined
}
