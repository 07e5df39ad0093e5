import type { Log } from '@portcullis/runtime'

/** Calls the step again and again, until the returned function is called. */
export type Repeat = (step: () => void, everyMs: number) => () => void

const repeatByTimer: Repeat = (step, everyMs) => {
  const timer = setInterval(step, everyMs).unref()
  return () => clearInterval(timer)
}

export interface SteadyStep {
  /** Does it, and answers what was wrong with it; a throw is trouble too. */
  readonly step: () => Promise<object | undefined>
  readonly everyMs: number
  /** Whether the first is taken now, and not only when that time has passed. */
  readonly isAtOnce?: boolean
  /** What is said when it fails, and when that is over. */
  readonly trouble: string
  readonly recovery: string
  readonly log: Log
  readonly repeat?: Repeat | undefined
}

/** How often a trouble that lasts is said again. */
const failuresPerReminder = 60

/**
 * Takes a step at regular times until the returned function has been called, which waits for one that
 * is under way. A step that takes longer is not overtaken by the next; one that fails is logged, and
 * the next one tries again.
 */
export function takeSteadySteps(options: SteadyStep): () => Promise<void> {
  const {
    step,
    everyMs,
    isAtOnce = false,
    trouble,
    recovery,
    log,
    repeat = repeatByTimer,
  } = options
  let failures = 0
  const takeOne = async (): Promise<void> => {
    const wrong = await step().catch((error: unknown) => ({ err: error }))
    if (wrong !== undefined && failures % failuresPerReminder === 0) log.error(wrong, trouble)
    if (wrong === undefined && failures > 0) log.info(recovery)
    failures = wrong === undefined ? 0 : failures + 1
  }

  let underWay: Promise<void> | undefined
  const takeNext = (): void => {
    underWay ??= takeOne().finally(() => (underWay = undefined))
  }
  if (isAtOnce) takeNext()
  const stop = repeat(takeNext, everyMs)
  return async () => {
    stop()
    await underWay
  }
}
