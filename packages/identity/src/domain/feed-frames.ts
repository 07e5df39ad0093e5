import type { JsonObject } from '@portcullis/protocol'
import type { Frame, RevocationPosition } from '@portcullis/protocol/revocations'
import { checkpointType, formatPosition } from '@portcullis/protocol/revocations'
import { createHeadCache } from './head-cache.ts'
import type { LogExcerpt, LogHead } from './revocations.ts'
import type { WrittenRecords } from './written-records.ts'
import { writeRecords } from './written-records.ts'

/** A frame and the position that a follower has behind it. */
export interface PublishedFrame extends Frame, WrittenRecords {
  readonly position: RevocationPosition
}

/** Makes what is sent, and of each thing one for all who get the same. */
export interface Frames {
  readonly of: (excerpt: LogExcerpt) => Promise<PublishedFrame>
  /** For who comes to the log at this head from that place, and has missed this. */
  readonly first: (
    head: LogHead,
    after: RevocationPosition,
    missed: WrittenRecords,
  ) => Promise<PublishedFrame>
}

export function createFrames(
  signHead: (head: LogHead, typ: string, more?: JsonObject) => Promise<string>,
): Frames {
  const checkpoints = createHeadCache<string>()
  const firstFrames = createHeadCache<PublishedFrame>()

  const frameOf = async (head: LogHead, written: WrittenRecords): Promise<PublishedFrame> => ({
    position: { epoch: head.epoch, seq: head.seq },
    ...written,
    checkpoint: await checkpoints.get(head, checkpointType, () => signHead(head, checkpointType)),
  })
  return {
    of: ({ head, records }) => frameOf(head, writeRecords(records)),
    // When the streams of many end, they come back from the same place.
    first: (head, after, missed) =>
      firstFrames.get(head, formatPosition(after), () => frameOf(head, missed)),
  }
}
