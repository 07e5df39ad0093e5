import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { dictionary } from '@zxcvbn-ts/language-common'
import { root } from './source-tree.ts'

/** Where identity has its list of common passwords, from the root of the repository. */
export const commonPasswordsPath: string = join(
  root,
  'packages/identity/src/passwords/common-passwords.ts',
)

/** As long as a password must be at least; shorter ones are refused anyway. */
const codePointsMin = 8
const charactersPerLine = 460

/**
 * The text of that file: the passwords of @zxcvbn-ts/language-common that are long enough to be chosen,
 * most frequent first, with their licence in a comment that survives the build.
 */
export function commonPasswordsSource(): string {
  const entry = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common')
  const folder = dirname(dirname(entry))
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string
  }
  const licence = readFileSync(join(folder, 'LICENSE.txt'), 'utf8').trim().split('\n')
  const header = [
    `Made by tools/generate-common-passwords.ts from @zxcvbn-ts/language-common ${version}. Do not edit.`,
    '',
    ...licence,
  ]
  return [
    '/*!',
    ...header.map((line) => ` * ${line}`.trimEnd()),
    ' */',
    '',
    '/** The most frequent first, separated by white space. */',
    'export const commonPasswords: string = `',
    ...linesOf(choosable(dictionary['passwords-common'])),
    '`',
    '',
  ].join('\n')
}

function choosable(words: readonly string[]): readonly string[] {
  const chosen = words.filter((word) => Array.from(word).length >= codePointsMin)
  const awkward = chosen.find((word) => /[\s`\\]|\$\{/.test(word))
  if (awkward !== undefined) throw new Error(`${awkward} would need to be escaped`)
  return chosen
}

function linesOf(words: readonly string[]): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words) {
    if (line.length + word.length > charactersPerLine) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
