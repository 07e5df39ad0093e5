import { encodeRecord } from '@portcullis/protocol/revocations'
import type { Follower } from './follower.ts'
import { createFollower } from './follower.ts'
import type { FollowedFeed } from './follower.ts'
import type { KeySet } from './signed.ts'
import type { StoreView } from './store-view.ts'

/** What everybody may have seen of the log: none of it may ever be gone or change. */
export interface Published {
  /** The records from the first on, 33 octets each. */
  readonly records: readonly Buffer[]
  /** The time of the last checkpoint. */
  readonly lastAt: () => number
}

/** How the log is watched from the first life to the last. */
export interface LogWatch extends Published {
  /** Goes on from its place, at the beginning of a life. */
  readonly follow: (keys: KeySet) => Promise<void>
  /** Resolves when the life is over, and rejects when anything in it did not fit. */
  readonly cut: () => Promise<void>
  /** What the life has left was found to be good. */
  readonly note: (view: StoreView) => void
  readonly frames: () => number
}

/** Through the stream of the feed. */
export function watchFeed(feed: FollowedFeed): LogWatch {
  const follower: Follower = createFollower(feed)
  return { ...follower, note: () => undefined }
}

/** Through the store, from kill to kill. */
export function watchStore(): LogWatch {
  const records: Buffer[] = []
  let lastAt = 0
  return {
    records,
    lastAt: () => lastAt,
    follow: async () => undefined,
    cut: async () => undefined,
    note: (view) => {
      records.push(...view.records.slice(records.length).map(encodeRecord))
      lastAt = view.head.at
    },
    frames: () => 0,
  }
}
