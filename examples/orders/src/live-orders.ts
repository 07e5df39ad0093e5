import type { Auth, TokenWatch, Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import type { Order, Whose } from './order-book.ts'

/** Somebody at the other end of a stream or a socket. */
export interface LiveReader {
  /** False when it reads too slowly: it is sent nothing more. */
  readonly send: (order: Order) => boolean
  /** The last word: why nothing more comes. */
  readonly end: (reason: Ending) => void
}

export type Ending = VerifyError | 'too-slow' | 'service-stops'

export interface LiveOrders {
  readonly publish: (order: Order) => void
  /**
   * Every order that is made from now on and may be seen by this caller, until its token is not accepted any more:
   * revoked, expired, or vouched for by nobody. Answers how to leave; undefined when there is no room.
   */
  readonly follow: (auth: Auth, whose: Whose, reader: LiveReader) => (() => void) | undefined
  /** Ends everything. */
  readonly close: () => void
}

interface Following {
  readonly whose: Whose
  readonly reader: LiveReader
  readonly watch: TokenWatch
}

const readersMax = 1000

/** Within this process: a service that runs more than once needs a message broker in this place. */
export function createLiveOrders(verifier: Pick<Verifier, 'watch'>): LiveOrders {
  const followers = new Set<Following>()

  function leave(following: Following): void {
    following.watch.close()
    followers.delete(following)
  }

  function end(following: Following, reason: Ending): void {
    if (!followers.has(following)) return
    leave(following)
    following.reader.end(reason)
  }

  return {
    publish: (order) => {
      for (const following of followers) {
        const { whose, reader } = following
        const isVisible = whose === 'everybody' || whose.owner === order.owner
        if (isVisible && !reader.send(order)) end(following, 'too-slow')
      }
    },
    follow: (auth, whose, reader) => {
      if (followers.size >= readersMax) return undefined
      // The revocation that ends it comes as an abort, within the same bound as a request is refused.
      const watch = verifier.watch(auth)
      const following: Following = { whose, reader, watch }
      followers.add(following)
      const refuse = (): void => end(following, refusalOf(watch))
      if (watch.signal.aborted) refuse()
      watch.signal.addEventListener('abort', refuse, { once: true })
      return () => leave(following)
    },
    close: () => {
      for (const following of followers) end(following, 'service-stops')
    },
  }
}

function refusalOf({ signal }: TokenWatch): VerifyError {
  const reason: unknown = signal.reason
  if (reason instanceof VerifyError) return reason
  throw new TypeError('a watch has ended without a reason')
}
