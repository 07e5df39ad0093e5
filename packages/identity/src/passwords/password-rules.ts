import { StartError } from '@portcullis/runtime'
import { foldCase } from '../domain/case-folding.ts'
import type { IsBreached, PasswordRules } from '../domain/password-rules.ts'
import { countCodePoints, wordCodePointsMin } from '../domain/password-rules.ts'
import { readWordFile } from '../settings/word-file.ts'

export interface PasswordRulesOptions {
  /** Its host's labels may not be in passwords; none by default. */
  readonly issuer?: string
  /** Names that may not be in passwords, of at least 4 characters; default `portcullis`. */
  readonly contextWords?: readonly string[]
  /** More passwords that are too common, a text file with one on each line; none by default. */
  readonly wordFile?: string | undefined
  /** Default: nobody is asked. */
  readonly isBreached?: IsBreached | undefined
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

function readWords(path: string): readonly string[] {
  const read = readWordFile(path)
  if (read.kind === 'words') return read.words
  const remedy = 'Name a UTF-8 text file of at most 8 MiB with one word on each line.'
  throw new StartError(`the word file ${path} ${read.why}`, remedy)
}
