import type { Log } from '@portcullis/runtime'
import type { Keyring } from './domain/keyring.ts'

const tickMs = 1000
/** How often a trouble that lasts is said again. */
const ticksPerReminder = 60

/** Calls the step again and again, until the returned function is called. */
export type Repeat = (step: () => void, everyMs: number) => () => void

const repeatByTimer: Repeat = (step, everyMs) => {
  const timer = setInterval(step, everyMs).unref()
  return () => clearInterval(timer)
}

/**
 * Lets the keyring tick every second until the returned function has been called, which waits for a
 * tick that is under way. A tick that fails is logged, and the next one tries again.
 */
export function startKeyTicks(
  keyring: Pick<Keyring, 'tick'>,
  log: Log,
  repeat: Repeat = repeatByTimer,
): () => Promise<void> {
  let failures = 0
  const tick = async (): Promise<void> => {
    const trouble = await tickOnce(keyring, log)
    if (trouble !== undefined && failures % ticksPerReminder === 0) {
      log.error(trouble, 'the signing keys cannot be kept up; those held before stay in use')
    }
    if (trouble === undefined && failures > 0) log.info('the signing keys are kept up again')
    failures = trouble === undefined ? 0 : failures + 1
  }

  let underWay: Promise<void> | undefined
  const stop = repeat(() => {
    // A tick that takes longer than a second is not overtaken by the next.
    underWay ??= tick().finally(() => (underWay = undefined))
  }, tickMs)
  return async () => {
    stop()
    await underWay
  }
}

/** One tick, and what was wrong with it. */
async function tickOnce(keyring: Pick<Keyring, 'tick'>, log: Log): Promise<object | undefined> {
  try {
    const outcome = await keyring.tick()
    if (outcome.kind === 'unopenable') return { kid: outcome.kid, why: outcome.why }
    const { rotated, destroyed } = outcome
    if (rotated.length > 0) log.info({ rotated }, 'signing keys have rotated')
    if (destroyed.length > 0) log.info({ destroyed }, 'signing keys are destroyed')
    return undefined
  } catch (error) {
    return { err: error }
  }
}
