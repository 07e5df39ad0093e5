import { readFileSync } from 'node:fs'
import { StartError, systemErrorCode } from '@portcullis/runtime'
import { foldCase } from './domain/case-folding.ts'
import type { IsBreached, PasswordRules } from './domain/password-rules.ts'
import { countCodePoints, wordCodePointsMin } from './domain/password-rules.ts'

export interface PasswordRulesOptions {
  /** Its host's labels may not be in passwords; none by default. */
  readonly issuer?: string
  /** Names that may not be in passwords, of at least 4 characters; default `portcullis`. */
  readonly contextWords?: readonly string[]
  /** More passwords that are too common, a text file with one on each line; none by default. */
  readonly wordFile?: string
  /** Default: nobody is asked. */
  readonly isBreached?: IsBreached
}

const productNames: readonly string[] = ['portcullis']

/** The rules for new passwords. A file of words that cannot be read is a `StartError`. */
export function createPasswordRules({
  issuer,
  contextWords = productNames,
  wordFile,
  isBreached = async () => 'unknown',
}: PasswordRulesOptions = {}): PasswordRules {
  const more = wordFile === undefined ? [] : readWords(wordFile)
  let common: Promise<ReadonlySet<string>> | undefined
  return {
    isCommon: async (folded) => {
      common ??= loadCommon(more)
      return (await common).has(folded)
    },
    contextWords: [...contextWords, ...(issuer === undefined ? [] : labelsOf(issuer))]
      .map(foldCase)
      .filter((word) => countCodePoints(word) >= wordCodePointsMin),
    isBreached,
  }
}

/** Loaded when the first password is chosen, so that a start does not wait for it. The list is folded. */
async function loadCommon(more: readonly string[]): Promise<ReadonlySet<string>> {
  const { commonPasswords } = await import('./common-passwords.ts')
  return new Set([...commonPasswords.split(/\s+/), ...more.map(foldCase)])
}

function labelsOf(issuer: string): readonly string[] {
  return new URL(issuer).hostname.split('.')
}

/** Half a million words; who has more of them wants a breach service. */
const wordFileBytesMax = 8 * 1024 * 1024

function readWords(path: string): readonly string[] {
  const remedy = 'Name a UTF-8 text file of at most 8 MiB with one word on each line.'
  const bytes = readBytes(path, remedy)
  if (bytes.length > wordFileBytesMax) {
    throw new StartError(`the word file ${path} is too large`, remedy)
  }
  return bytes.toString('utf8').split(/\r?\n/)
}

function readBytes(path: string, remedy: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const reason = systemErrorCode(cause) ?? String(cause)
    throw new StartError(`the word file ${path} cannot be read: ${reason}`, remedy, { cause })
  }
}
