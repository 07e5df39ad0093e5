import type { RevocationRecord } from '@portcullis/protocol/revocations'
import { encodeRecords } from '@portcullis/protocol/revocations'

/** Records one behind the other, and the same in the letters of an event. */
export interface WrittenRecords {
  readonly records: Buffer
  /** In base64url. */
  readonly text: Buffer
}

/** 33 octets are 44 letters without a rest, so the text of many is the texts of each. */
export const recordLetters = 44

export function writeRecords(some: readonly RevocationRecord[]): WrittenRecords {
  const records = encodeRecords(some)
  return { records, text: Buffer.from(records.toString('base64url'), 'latin1') }
}
