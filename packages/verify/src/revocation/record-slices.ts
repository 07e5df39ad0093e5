import { Buffer } from 'node:buffer'
import type { Chain, RevocationKind } from '@portcullis/protocol/revocations'
import { chainAfter, countKinds, recordBytes, visitRecords } from '@portcullis/protocol/revocations'
import type { Timers } from '../timers.ts'
import type { RevocationTable } from './table.ts'

/*
 * What is done with records, of which a million may come: slice by slice, with pauses in which requests are served.
 */

type TurnTimers = Pick<Timers, 'yieldTurn'>

/** About half a millisecond of work, and some milliseconds when it is done for the first time. */
const sliceBytes = 250 * recordBytes

/** The chain after these records; undefined when one of them cannot be read. */
export async function chainInSlices(
  previous: Chain,
  records: Buffer,
  timers: TurnTimers,
): Promise<Chain | undefined> {
  let chain = previous
  const areRead = await inSlices([records], timers, (slice) => {
    chain = chainAfter(chain, slice)
    return visitRecords(slice, () => undefined)
  })
  return areRead ? chain : undefined
}

/** Joins what could be read by `chainInSlices`, and answers those that tell something new. */
export async function joinNews(
  table: RevocationTable,
  bytes: Buffer,
  timers: TurnTimers,
): Promise<Buffer> {
  // Ten thousand may come at once, so each is copied, and none becomes an object.
  const told = Buffer.alloc(bytes.length)
  let toldBytes = 0
  let at = 0
  await inSlices([bytes], timers, (slice) =>
    visitRecords(slice, (kind, words, floor, until) => {
      const isNew = table.join(kind, words, floor, until)
      if (isNew) toldBytes += bytes.copy(told, toldBytes, at, at + recordBytes)
      at += recordBytes
    }),
  )
  return told.subarray(0, toldBytes)
}

/** What became of a great many. Those before one that cannot be read were joined all the same. */
export interface Joined {
  readonly areRead: boolean
  readonly hasNews: boolean
}

/** Joins a great many of which nothing is known yet. */
export async function joinAll(
  table: RevocationTable,
  blocks: readonly Buffer[],
  timers: TurnTimers,
): Promise<Joined> {
  const counts = new Map<RevocationKind, number>()
  await inSlices(blocks, timers, (slice) => {
    countKinds(slice, counts)
    return true
  })
  table.expect(counts)
  let hasNews = false
  const areRead = await inSlices(blocks, timers, (slice) =>
    visitRecords(slice, (kind, words, floor, until) => {
      if (table.join(kind, words, floor, until)) hasNews = true
    }),
  )
  table.expect(new Map())
  return { areRead, hasNews }
}

/** Slice by slice for as long as that is answered, each in a turn of its own where there are several. */
async function inSlices(
  blocks: readonly Buffer[],
  { yieldTurn }: TurnTimers,
  visit: (slice: Buffer) => boolean,
): Promise<boolean> {
  const bytes = blocks.reduce((sum, { length }) => sum + length, 0)
  for (const block of blocks) {
    for (let at = 0; at < block.length; at += sliceBytes) {
      if (bytes > sliceBytes) await new Promise<void>(yieldTurn)
      if (!visit(block.subarray(at, at + sliceBytes))) return false
    }
  }
  return true
}
