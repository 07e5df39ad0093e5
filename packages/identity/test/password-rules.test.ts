import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { commonPasswords } from '../src/passwords/common-passwords.ts'
import type { PasswordRules } from '../src/domain/password-rules.ts'
import { newPasswordFault } from '../src/domain/password-rules.ts'
import { accountFaultText } from '../src/http/account-faults.ts'
import { normalisePassword } from '../src/domain/passwords.ts'
import { randomSecret } from '../src/domain/random.ts'
import { createPasswordRules } from '../src/passwords/password-rules.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const rules = createPasswordRules({ issuer: 'https://login.acme-shoes.test:8443/id' })

async function faultOf(
  text: string,
  identifier = 'somebody',
  asked: PasswordRules = rules,
): Promise<string | undefined> {
  const fault = await newPasswordFault(asked, normalisePassword(text), identifier)
  return fault && accountFaultText(fault)
}

test('a new password has 8 to 256 code points, however many bytes they take (ASVS 6.2.1, 6.2.9)', async () => {
  assert.match((await faultOf('sevench')) ?? '', /at least 8/)
  assert.equal(await faultOf('eight ch'), undefined)
  // Four code points, which are eight UTF-16 units and sixteen bytes.
  assert.match((await faultOf('🔑🔑🔑🔑')) ?? '', /at least 8/)
  assert.equal(await faultOf('🔑'.repeat(8)), undefined)
  assert.equal(await faultOf('🔑'.repeat(256)), undefined)
  assert.match((await faultOf('🔑'.repeat(257))) ?? '', /more than 256/)
  assert.match((await faultOf('')) ?? '', /at least 8/)
  // One code point as typed, eighteen after NFKC.
  assert.equal(await faultOf('\ufdfa'), undefined)
})

test('no kinds of characters are asked for (ASVS 6.2.5)', async () => {
  const plain = ['hjwqzkvbxp', '        ', '7391846205', 'ЖЩЪЫЭЮЯЖ', 'UPPERMOSTLY']
  for (const text of plain) assert.equal(await faultOf(text), undefined, text)
})

test('the common passwords are refused, every one of at least 3,000 that fit (ASVS 6.2.4)', async () => {
  const words = commonPasswords.trim().split(/\s+/)
  assert.ok(words.length >= 3000, `there are ${words.length}`)
  for (const word of words) {
    assert.match((await faultOf(word)) ?? '', /guessed first/, word)
  }
})

test('width and case do not hide a common password', async () => {
  const hidden = [
    'PassWord',
    'ｐａｓｓｗｏｒｄ',
    'PASSWORD123',
    'Ⅻ345678'.replace('Ⅻ', '①②'),
    '𝐢loveyou',
  ]
  for (const text of hidden) assert.match((await faultOf(text)) ?? '', /guessed first/, text)
})

test('a password must not contain the identifier or its local part, in any spelling', async () => {
  const refused: readonly (readonly [string, string])[] = [
    ['alice-in-wonderland', 'alice'],
    ['xxALICExx', 'alice'],
    ['ａｌｉｃｅ-2026', 'alice'],
    ['my-bob-my-bob', 'bob'],
    ['carol.jones-2026', 'carol.jones@example.com'],
    ['carol.jones@example.com', 'carol.jones@example.com'],
    ['grossestrasse', 'Straße'],
  ]
  for (const [text, identifier] of refused) {
    assert.equal(
      await faultOf(text, identifier),
      'must not contain the identifier, nor what stands before its @',
      text,
    )
  }
  const taken: readonly (readonly [string, string])[] = [
    // Words that are too short to matter.
    ['always-a-surprise', 'al'],
    ['bobsleigh-rider', 'bob@example.com'],
    ['example-of-courage', 'carol@example.com'],
    // With so much beside it, the word does not matter.
    [`alice${'hjwqzkvbxp'.repeat(4)}`, 'alice'],
  ]
  for (const [text, identifier] of taken) {
    assert.equal(await faultOf(text, identifier), undefined, text)
  }
})

test('the product and the labels of the host are context words (ASVS 6.1.2, 6.2.11)', async () => {
  for (const text of ['MyPortcullis!', 'acme-shoes-77', 'ＬＯＧＩＮ-hjwqz']) {
    assert.match((await faultOf(text)) ?? '', /name of this service/, text)
  }
  const renamed = createPasswordRules({ contextWords: ['Größe', 'abc'] })
  assert.match((await faultOf('GRÖSSE-7731', 'x', renamed)) ?? '', /name of this service/)
  assert.equal(await faultOf('MyPortcullis!', 'x', renamed), undefined)
  assert.equal(await faultOf('abcdrqzw', 'x', renamed), undefined)
})

test('random passwords pass, whatever chance has spelt in them', async () => {
  for (let round = 0; round < 500; round += 1) {
    const secret = randomSecret(randomBytes)
    assert.equal(await faultOf(secret, secret.slice(20, 24)), undefined)
  }
})

test('a file may name more words, one on each line', async (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const wordFile = join(folder.path, 'words.txt')
  writeFileSync(wordFile, 'Blauer Montag\r\n\r\nzwölf boxkämpfer\n')
  const more = createPasswordRules({ wordFile })
  for (const text of ['blauer montag', 'ZWÖLF BOXKÄMPFER', 'password']) {
    assert.match((await faultOf(text, 'x', more)) ?? '', /guessed first/, text)
  }
  assert.equal(await faultOf('blauer dienstag', 'x', more), undefined)
})

test('a word file that is missing, a folder, too large or not UTF-8 is a StartError', (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const large = join(folder.path, 'large.txt')
  writeFileSync(large, Buffer.alloc(8 * 1024 * 1024 + 1))
  const latin = join(folder.path, 'latin.txt')
  writeFileSync(latin, Buffer.from('zwölf', 'latin1'))
  const cases: readonly (readonly [string, RegExp])[] = [
    [join(folder.path, 'absent.txt'), /ENOENT/],
    [folder.path, /is not a file/],
    [large, /too large/],
    [latin, /is not UTF-8/],
  ]
  for (const [wordFile, message] of cases) {
    assert.throws(
      () => createPasswordRules({ wordFile }),
      (error) => error instanceof StartError && message.test(error.message),
    )
  }
})

test('what was found in a breach is refused, and what could not be looked up is taken', async () => {
  const asked: string[] = []
  const answering = (answer: boolean | 'unknown'): PasswordRules => ({
    ...rules,
    isBreached: async (password) => {
      asked.push(password)
      return answer
    },
  })
  const text = 'hjwqz-kvbxp-ﬁ'
  assert.equal(await faultOf(text, 'x', answering(true)), 'was found in a breach')
  assert.equal(await faultOf(text, 'x', answering(false)), undefined)
  assert.equal(await faultOf(text, 'x', answering('unknown')), undefined)
  assert.deepEqual(new Set(asked), new Set(['hjwqz-kvbxp-fi']))
  // What is refused anyway is told to nobody.
  await faultOf('password', 'x', answering(false))
  assert.equal(asked.length, 3)
})
