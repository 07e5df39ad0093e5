import type { Log } from './log.ts'

/**
 * Calls the step again and again, until the returned function is called. A step answers when it has ended; one that
 * comes while another is under way is not taken, and answers when that one has ended.
 */
export type Repeat = (step: () => Promise<void>, everyMs: number) => () => void

const repeatByTimer: Repeat = (step, everyMs) => {
  const timer = setInterval(() => void step(), everyMs).unref()
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
  /** From when on one that is still under way is trouble too; default: it may take as long as it takes. */
  readonly overdueMs?: number
  /** Told after each step, and when one is overdue. */
  readonly onTrouble?: (isThere: boolean) => void
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
    overdueMs = Infinity,
    onTrouble = () => undefined,
    repeat = repeatByTimer,
  } = options
  let failures = 0
  let passedMs = 0
  const takeOne = async (): Promise<void> => {
    passedMs = 0
    const wrong = await step().catch((error: unknown) => ({ err: error }))
    onTrouble(wrong !== undefined)
    if (wrong !== undefined && failures % failuresPerReminder === 0) log.error(wrong, trouble)
    if (wrong === undefined && (failures > 0 || passedMs > overdueMs)) log.info(recovery)
    failures = wrong === undefined ? 0 : failures + 1
  }

  const waitLonger = (): void => {
    const wasDue = passedMs <= overdueMs
    passedMs += everyMs
    if (!wasDue || passedMs <= overdueMs) return
    onTrouble(true)
    if (failures === 0) log.error({ passedMs }, trouble)
  }

  let underWay: Promise<void> | undefined
  const takeNext = (): Promise<void> => {
    if (underWay !== undefined) waitLonger()
    underWay ??= takeOne().finally(() => (underWay = undefined))
    return underWay
  }
  if (isAtOnce) void takeNext()
  const stop = repeat(takeNext, everyMs)
  return async () => {
    stop()
    await underWay
  }
}
