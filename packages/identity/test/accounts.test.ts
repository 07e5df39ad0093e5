import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldCase } from '../src/domain/case-folding.ts'
import { parseIdentifier } from '../src/domain/accounts.ts'
import { normalisePassword } from '../src/domain/passwords.ts'

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
  // capital I with a dot, and the i with a second dot that nobody sees, which is its lower case
  ['\u0130d', 'id'],
  ['i\u0307d', 'id'],
  // sharp s, small and capital
  ['Stra\u00dfe', 'strasse'],
  ['STRA\u1e9eE', 'strasse'],
  // the sigma at the end of a word
  ['\u039f\u0394\u039f\u03a3', '\u03bf\u03b4\u03bf\u03c3'],
  ['\u03bf\u03b4\u03bf\u03c2', '\u03bf\u03b4\u03bf\u03c3'],
  // long s
  ['\u017fam', 'sam'],
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

test('one account has one identifier, whatever the case of its letters (CVE-2026-15617)', () => {
  const letters = Array.from({ length: 0x11_0000 }, (_, codePoint) => codePoint)
    .filter((codePoint) => codePoint < 0xd800 || codePoint > 0xdfff)
    .map((codePoint) => String.fromCodePoint(codePoint))
    .filter((letter) => letter.toLowerCase() !== letter || letter.toUpperCase() !== letter)
  assert.ok(letters.length > 2500, `${letters.length} letters have cases`)
  for (const letter of letters.filter((one) => one !== 'ı')) {
    const folded = foldCase(letter)
    assert.equal(foldCase(folded), folded, letter)
    assert.equal(foldCase(letter.toLowerCase()), folded, letter)
    assert.equal(foldCase(letter.toUpperCase()), folded, letter)
  }
})

test('a dotless i is no i, or one address could stand for another (CVE-2019-19844)', () => {
  assert.deepEqual(parseIdentifier('mıke@example.com'), {
    kind: 'identifier',
    identifier: 'mıke@example.com',
  })
})

test('a word of look-alike scripts is refused, and a word of one script stays what it is', () => {
  const mixed = [
    // Cyrillic a, Greek omicron, Armenian and Cherokee letters among Latin ones
    '\u0430lice',
    'b\u03bfb',
    '\u0585scar',
    '\u13a0nna',
    // the micro sign is a Greek letter
    '\u00b5torrent',
    'alice@ex\u0430mple.com',
  ]
  for (const text of mixed) {
    const fault = { why: 'identifier-mixed-alphabets' }
    assert.deepEqual(parseIdentifier(text), { kind: 'malformed', fault }, text)
  }
  const whole = [
    '\u0430\u04cf\u0456\u0441\u0435',
    '\u0438\u0432\u0430\u043d@example.com',
    '\u03b1\u03b2-alice',
    '\u6771\u4eactower',
    '\u3053\u3093\u30b3\u30f3\u6771',
  ]
  for (const identifier of whole) {
    assert.deepEqual(parseIdentifier(identifier), { kind: 'identifier', identifier })
  }
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

test('spaces and case of a password count, and its spelling does not', () => {
  assert.notEqual(normalisePassword(' Password'), normalisePassword('Password'))
  assert.notEqual(normalisePassword('password'), normalisePassword('Password'))
  assert.equal(normalisePassword('Rene\u0301 passes'), normalisePassword('Ren\u00e9 passes'))
})
