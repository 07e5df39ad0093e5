import type { ReadAccount } from './import-accounts.ts'
import { accountBytesMax, readAccount } from './import-accounts.ts'
import { readLines } from './import-lines.ts'

/** What is sent at once, and the lines among it that say nothing that could be sent. */
export interface ImportGroup {
  readonly accounts: readonly Kind<'account'>[]
  readonly unreadable: readonly Kind<'unreadable'>[]
}

type Kind<Name> = Extract<ReadAccount, { readonly kind: Name }>

/** What identity takes in one request. The reason is in each of them, and some punctuation. */
const linesMax = 100
const bodyBytesMax = 16 * 1024
const punctuationBytes = 64

/** Cuts a file into requests, each as large as identity takes it. Blank lines are left out. */
export async function* readGroups(
  chunks: AsyncIterable<Uint8Array>,
  reason = '',
): AsyncGenerator<ImportGroup> {
  const bytesMax = bodyBytesMax - punctuationBytes - Buffer.byteLength(JSON.stringify(reason))
  let accounts: Kind<'account'>[] = []
  let unreadable: Kind<'unreadable'>[] = []
  let bytes = 0
  for await (const line of readLines(chunks, accountBytesMax)) {
    const read = readAccount(line)
    if (read.kind === 'blank') continue
    const moreBytes = read.kind === 'account' ? read.bytes + 1 : 0
    if (accounts.length + unreadable.length >= linesMax || bytes + moreBytes > bytesMax) {
      yield { accounts, unreadable }
      accounts = []
      unreadable = []
      bytes = 0
    }
    bytes += moreBytes
    if (read.kind === 'account') accounts.push(read)
    else unreadable.push(read)
  }
  if (accounts.length + unreadable.length > 0) yield { accounts, unreadable }
}
