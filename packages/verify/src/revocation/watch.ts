import type { Timers } from '../timers.ts'
import type { VerifyError } from '../verify-error.ts'

/** Keeps an eye on a token for as long as a connection or a job lives on it. */
export interface TokenWatch {
  /**
   * Aborts with a VerifyError as its reason as soon as `verify` would refuse the token: expired,
   * revoked, no longer vouched for, or refused by a requirement of the watch.
   */
  readonly signal: AbortSignal
  /** Stops watching. */
  readonly close: () => void
}

export interface Watches {
  /** Watches until there is a refusal. */
  readonly open: (refusal: () => VerifyError | undefined) => TokenWatch
  /**
   * Asks every watch once more; also done every second. The first few hundred at once, and the others with
   * pauses in which requests are served.
   */
  readonly recheck: () => void
  /** Ends every watch with this reason. */
  readonly close: (reason: VerifyError) => void
}

/** Freshness and expiry come about without an event, so somebody has to look. */
const recheckMs = 1_000
/** About a millisecond of work. */
const sliceWatches = 256

export function createWatches(timers: Timers): Watches {
  const open = new Map<AbortController, () => VerifyError | undefined>()
  let cancelTimer: (() => void) | undefined
  /** How many are to be asked yet, from where the last slice has ended and round: none is passed over. */
  let due = 0
  let round = open.entries()
  let cancelSlice: (() => void) | undefined

  function stop(controller: AbortController): void {
    open.delete(controller)
    if (open.size > 0) return
    cancelTimer?.()
    cancelSlice?.()
    cancelTimer = cancelSlice = undefined
    due = 0
  }

  function end(controller: AbortController, reason: VerifyError): void {
    stop(controller)
    controller.abort(reason)
  }

  function recheck(): void {
    due = open.size
    if (cancelSlice === undefined) askSlice()
  }

  function askSlice(): void {
    cancelSlice = undefined
    for (let asked = 0; asked < sliceWatches && due > 0; asked += 1) {
      due -= 1
      askNext()
    }
    if (due > 0) cancelSlice = timers.yieldTurn(askSlice)
  }

  function askNext(): void {
    let next = round.next()
    if (next.done === true) {
      round = open.entries()
      next = round.next()
    }
    if (next.done === true) return
    const [controller, refusal] = next.value
    const reason = refusal()
    if (reason !== undefined) end(controller, reason)
  }

  return {
    open: (refusal) => {
      const controller = new AbortController()
      open.set(controller, refusal)
      // It stands before some that are due.
      if (due > 0) due += 1
      cancelTimer ??= repeat(recheck, recheckMs, timers)
      const reason = refusal()
      if (reason !== undefined) end(controller, reason)
      return { signal: controller.signal, close: () => stop(controller) }
    },
    recheck,
    close: (reason) => {
      for (const controller of open.keys()) end(controller, reason)
    },
  }
}

function repeat(step: () => void, everyMs: number, { schedule }: Timers): () => void {
  let cancel: () => void
  const waitOn = (): void => {
    cancel = schedule(() => {
      waitOn()
      step()
    }, everyMs)
  }
  waitOn()
  return () => cancel()
}
