import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIdentifier } from '../src/domain/accounts.ts'
import { newPasswordFault, normalisePassword } from '../src/domain/passwords.ts'

/** What is typed, and what it becomes. */
const spellings: readonly (readonly [string, string])[] = [
  ['alice', 'alice'],
  ['ALICE', 'alice'],
  ['Alice@Example.COM', 'alice@example.com'],
  // full-width letters
  ['ａｌｉｃｅ', 'alice'],
  // bold mathematical letters
  ['𝐚𝐥𝐢𝐜𝐞', 'alice'],
  // ligature fi
  ['ﬁona', 'fiona'],
  // e with a combining acute accent, and the letter that has it
  ['Rene\u0301', 'ren\u00e9'],
  ['Ren\u00c9', 'ren\u00e9'],
  // Kelvin sign
  ['\u212aelvin', 'kelvin'],
  // Angstrom sign
  ['\u212bngstr\u00f6m', '\u00e5ngstr\u00f6m'],
  // capital I with a dot, which becomes two characters in lower case
  ['\u0130d', 'i\u0307d'],
  // circled digit
  ['alice\u2460', 'alice1'],
]

test('full-width, ligature and case variants of one identifier become one identifier', () => {
  assert.ok(spellings.length > 0)
  for (const [typed, identifier] of spellings) {
    assert.deepEqual(parseIdentifier(typed), { kind: 'identifier', identifier }, typed)
  }
})

test('an identifier that was normalised stays as it is when it is normalised again', () => {
  for (const [, identifier] of spellings) {
    assert.deepEqual(parseIdentifier(identifier), { kind: 'identifier', identifier })
  }
})

test('letters of another script stay another identifier', () => {
  const cyrillic = parseIdentifier('\u0430lice')
  assert.deepEqual(cyrillic, { kind: 'identifier', identifier: '\u0430lice' })
})

const unseen: Readonly<Record<string, string>> = {
  space: 'al ice',
  'leading space': ' alice',
  tab: 'alice\t',
  'line break': 'alice\n',
  'no-break space': 'al\u00a0ice',
  'ideographic space': 'al\u3000ice',
  NUL: 'alice\u0000',
  'escape character': '\u001b[2Jalice',
  'zero-width space': 'al\u200bice',
  'zero-width joiner': 'al\u200dice',
  'soft hyphen': 'al\u00adice',
  'byte order mark': '\ufeffalice',
  'right-to-left override': '\u202ealice',
  'word joiner': 'al\u2060ice',
  'variation selector': 'alice\ufe0f',
  'combining grapheme joiner': 'al\u034fice',
  'Hangul filler': 'al\u3164ice',
  'Braille blank': 'al\u2800ice',
  'tag character': 'alice\u{e0041}',
  'lone surrogate': 'alice\ud800',
  'private-use character': 'alice\ue000',
  'unassigned character': 'alice\u{2fffe}',
}

test('an identifier has no spaces and nothing that cannot be seen', () => {
  assert.ok(Object.keys(unseen).length > 0)
  for (const [name, text] of Object.entries(unseen)) {
    assert.equal(parseIdentifier(text).kind, 'malformed', name)
  }
})

test('an identifier has 1 to 254 characters after it was normalised', () => {
  assert.equal(parseIdentifier('').kind, 'malformed')
  assert.equal(parseIdentifier('a'.repeat(254)).kind, 'identifier')
  assert.equal(parseIdentifier('a'.repeat(255)).kind, 'malformed')
  // One character that normalisation turns into eighteen.
  assert.equal(parseIdentifier('\ufdfa'.repeat(15)).kind, 'malformed')
})

function faultOf(text: string): string | undefined {
  return newPasswordFault(normalisePassword(text))
}

test('a new password has 8 to 256 code points, however many bytes they take', () => {
  assert.match(faultOf('sevench') ?? '', /at least 8/)
  assert.equal(faultOf('eight ch'), undefined)
  // Four code points, which are eight UTF-16 units and sixteen bytes.
  assert.match(faultOf('🔑🔑🔑🔑') ?? '', /at least 8/)
  assert.equal(faultOf('🔑'.repeat(8)), undefined)
  assert.equal(faultOf('🔑'.repeat(256)), undefined)
  assert.match(faultOf('🔑'.repeat(257)) ?? '', /more than 256/)
  assert.match(faultOf('') ?? '', /at least 8/)
})

test('spaces and case of a password count, and its spelling does not', () => {
  assert.notEqual(normalisePassword(' Password'), normalisePassword('Password'))
  assert.notEqual(normalisePassword('password'), normalisePassword('Password'))
  assert.equal(normalisePassword('Rene\u0301 passes'), normalisePassword('Ren\u00e9 passes'))
})
