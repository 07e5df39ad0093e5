import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classify } from '../src/attacks/classification.ts'
import { readCorpus } from '../src/attacks/corpus.ts'
import { weaknessNamed } from '../src/attacks/weaknesses.ts'

const corpus = readCorpus()

test('it is said of every entry of the corpus what it means to accept it', () => {
  assert.ok(corpus.length >= 650, `only ${corpus.length} entries were found`)
  const leftOut = corpus.filter((vector) => classify(vector) === undefined).map(({ id }) => id)
  assert.deepEqual(
    leftOut.filter((id) => !id.startsWith('OK-')),
    [
      'V57-exp-on-leeway',
      'V57-exp-second-past-leeway',
      'V58-nbf-second-past-leeway',
      'V59-lifetime',
      'V59-lifetime-old',
      'V59-iat-second-past-leeway',
      'V59-lifetime-second',
    ],
  )
})

test('whatever anybody can make without the key of the issuer is critical', () => {
  const anybody = corpus.filter(({ recipe: { signature = 'valid' } }) =>
    /^(?:empty|stranger|flipped|zeros|ones|hmac)/.test(signature),
  )
  assert.ok(anybody.length >= 60, `only ${anybody.length} forgeries were found`)
  for (const vector of anybody) assert.equal(classify(vector)?.severity, 'critical', vector.id)
})

test('what is refused by the corpus of the issuer itself is no more than a note', () => {
  const ids = ['V24-duplicate-exp', 'V62-sub-number', 'V65-roles-text', 'V28-exp-huge']
  for (const id of ids) assert.equal(classify({ id, recipe: {} })?.severity, 'info', id)
})

test('an entry of a new kind must be said something about before it is sent', () => {
  assert.throws(() => classify({ id: 'V999-new', recipe: {} }), /V999-new/)
})

test('a weakness says what it means and how to mend it', () => {
  for (const vector of corpus) {
    const found = classify(vector)
    if (found === undefined) continue
    const { title, meaning, remedy } = weaknessNamed(found.weakness)
    for (const text of [title, meaning, remedy]) assert.ok(text.length > 12, text)
  }
})
