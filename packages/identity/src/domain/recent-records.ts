import { chainAfter, encodeRecords, recordBytes } from '@portcullis/protocol/revocations'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import type { LastOctets } from './last-octets.ts'
import { createLastOctets } from './last-octets.ts'
import type { LogExcerpt, LogHead, RevocationLog } from './revocations.ts'
import { isDenseFrom } from './revocations.ts'
import type { WrittenRecords } from './written-records.ts'
import { recordLetters, writeRecords } from './written-records.ts'

/**
 * The end of the log as it stands on the wire, without a gap. Whoever comes back gets a part of it: were that read for
 * each, those who come from a thousand places would keep the store busy for a minute, and their frames a gigabyte.
 */
export interface RecentRecords {
  readonly head: LogHead
  /** What is behind this place, up to the head. Undefined when not all of that is here. */
  readonly behind: (seq: number) => WrittenRecords | undefined
}

interface Kept {
  readonly head: LogHead
  readonly records: LastOctets
  readonly text: LastOctets
}

/** Answers how to read the last `max` records: each is read once. One reading at a time. */
export function createRecentRecords(
  log: Pick<RevocationLog, 'head' | 'since'>,
  max: number,
): () => Promise<RecentRecords> {
  let kept: Kept | undefined

  const goOn = async (head: LogHead): Promise<Kept | undefined> => {
    if (kept === undefined || kept.head.epoch !== head.epoch) return undefined
    const { seq, chain } = kept.head
    if (head.seq - seq > max) return undefined
    const news = head.seq === seq ? { head, records: [] } : await log.since(seq)
    if (news.head.epoch !== head.epoch || !isDenseFrom(news, seq)) return undefined
    // A server that has lost the end of its history goes on from an earlier place, and not from here.
    if (chainAfter(chain, encodeRecords(news.records)) !== news.head.chain) return undefined
    return withNews(kept, news)
  }
  const begin = async (head: LogHead): Promise<Kept> => {
    const excerpt = await log.since(Math.max(0, head.seq - max))
    const nothing = {
      records: createLastOctets(max * recordBytes),
      text: createLastOctets(max * recordLetters),
    }
    return withNews(nothing, { head: excerpt.head, records: denseEnd(excerpt) })
  }
  return async () => {
    const head = await log.head()
    const { records, text, head: reached } = (kept = (await goOn(head)) ?? (await begin(head)))
    return {
      head: reached,
      behind: (seq) => {
        const count = reached.seq - seq
        const missed = records.last(count * recordBytes)
        const missedText = text.last(count * recordLetters)
        return missed && missedText && { records: missed, text: missedText }
      },
    }
  }
}

function withNews(kept: Omit<Kept, 'head'>, { head, records }: LogExcerpt): Kept {
  const written = writeRecords(records)
  kept.records.add(written.records)
  kept.text.add(written.text)
  return { ...kept, head }
}

/** The last of them up to the head, from behind the last gap on. */
function denseEnd({ head, records }: LogExcerpt): readonly RevocationRecord[] {
  const gap = records.findLastIndex(
    ({ seq }, index) => head.seq - seq !== records.length - 1 - index,
  )
  return records.slice(gap + 1)
}
