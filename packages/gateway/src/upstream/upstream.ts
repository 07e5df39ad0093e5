import type { Connections } from './connections.ts'
import type { Health } from './health.ts'

/** One origin behind the gateway, with its connections. */
export interface Upstream extends Pick<Connections, 'dispatch' | 'dispatchAlone'> {
  readonly origin: string
  readonly health: Health
  /** Requests that have entered and not left. */
  readonly underWay: () => number
  readonly hasRoom: () => boolean
  /** False when it has as many requests under way as it may; else counts one more. */
  readonly enter: () => boolean
  readonly leave: () => void
}

/** The bound is on sockets and memory. Beyond it a request is refused, and never queued. */
export function createUpstream(
  origin: string,
  { dispatch, dispatchAlone }: Connections,
  health: Health,
  requestsMax: () => number,
): Upstream {
  let requests = 0
  const hasRoom = (): boolean => requests < requestsMax()
  return {
    origin,
    health,
    dispatch,
    dispatchAlone,
    underWay: () => requests,
    hasRoom,
    enter: () => {
      if (!hasRoom()) return false
      requests += 1
      return true
    },
    leave: () => {
      requests -= 1
    },
  }
}
