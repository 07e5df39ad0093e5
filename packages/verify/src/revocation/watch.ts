import type { VerifyError } from '../verify-error.ts'

/** Keeps an eye on a token for as long as a connection or a job lives on it. */
export interface TokenWatch {
  /**
   * Aborts with a VerifyError as its reason as soon as `verify` would refuse the token: expired,
   * revoked, or no longer vouched for.
   */
  readonly signal: AbortSignal
  /** Stops watching. */
  readonly close: () => void
}

export interface Watches {
  /** Watches until there is a refusal. */
  readonly open: (refusal: () => VerifyError | undefined) => TokenWatch
  /** Asks every watch once more; also done every second. */
  readonly recheck: () => void
  /** Ends every watch with this reason. */
  readonly close: (reason: VerifyError) => void
}

/** Freshness and expiry come about without an event, so somebody has to look. */
const recheckMs = 1_000

export function createWatches(): Watches {
  const open = new Map<AbortController, () => VerifyError | undefined>()
  let timer: NodeJS.Timeout | undefined

  function stop(controller: AbortController): void {
    open.delete(controller)
    if (open.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  function end(controller: AbortController, reason: VerifyError): void {
    stop(controller)
    controller.abort(reason)
  }

  function recheck(): void {
    for (const [controller, refusal] of open) {
      const reason = refusal()
      if (reason !== undefined) end(controller, reason)
    }
  }

  return {
    open: (refusal) => {
      const controller = new AbortController()
      open.set(controller, refusal)
      timer ??= setInterval(recheck, recheckMs).unref()
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
