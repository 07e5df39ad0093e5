import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { systemErrorCode } from '@portcullis/runtime'

export type ReadWords =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'faulty'; readonly why: string }

/** Half a million words; who has more of them wants a breach service. */
const bytesMax = 8 * 1024 * 1024

/** Reads a file with one word on each line. What is wrong with it is said in words that fit behind its name. */
export function readWordFile(path: string): ReadWords {
  try {
    const file = statSync(path)
    if (!file.isFile()) return faulty('is not a file')
    if (file.size > bytesMax) return faulty('is too large, with more than 8 MiB')
    const bytes = readFileSync(path)
    if (!isUtf8(bytes)) return faulty('is not UTF-8')
    return { kind: 'words', words: bytes.toString('utf8').split(/\r?\n/) }
  } catch (error) {
    return faulty(`cannot be read (${systemErrorCode(error) ?? 'error'})`)
  }
}

function faulty(why: string): ReadWords {
  return { kind: 'faulty', why }
}
