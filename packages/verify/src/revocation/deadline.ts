import type { Timers } from '../timers.ts'

export interface Deadline {
  readonly signal: AbortSignal
  /** There was progress: the time begins anew. */
  readonly extend: () => void
  readonly clear: () => void
}

/**
 * Aborts when there is no progress for so long, when all of it takes too long, or with its parent. Its
 * timers keep no process alive.
 */
export function createDeadline(
  parent: AbortSignal,
  { idleMs, totalMs }: { readonly idleMs: number; readonly totalMs?: number },
  what: string,
  { schedule, yieldTurn }: Timers,
): Deadline {
  const controller = new AbortController()
  const abort = (): void => controller.abort(new Error(`no ${what} within ${idleMs} ms`))
  // Timers come before what has arrived. A process that was held up for so long would otherwise give up a
  // connection that is well, and a machine that is busy every connection at once.
  const expire = (): void => {
    cancel = yieldTurn(abort)
  }
  const follow = (): void => controller.abort(parent.reason)
  let cancel = schedule(expire, idleMs)
  const cancelTotal =
    totalMs === undefined
      ? undefined
      : schedule(() => controller.abort(new Error(`not all within ${totalMs} ms`)), totalMs)
  parent.addEventListener('abort', follow, { once: true })
  if (parent.aborted) follow()
  return {
    signal: controller.signal,
    extend: () => {
      cancel()
      cancel = schedule(expire, idleMs)
    },
    clear: () => {
      cancel()
      cancelTotal?.()
      parent.removeEventListener('abort', follow)
    },
  }
}

/** The chunks of a body, for as long as the signal lets them come. Left early, it cancels the rest. */
export async function* chunksOf(
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  // A body that came through someone else's `fetch` may not know the signal.
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}
