import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEmailAddress } from '../src/domain/email-addresses.ts'

const addresses: readonly (readonly [string, string])[] = [
  ['alice@mail.example', 'alice@mail.example'],
  ['Alice.B+tag@Mail.EXAMPLE', 'alice.b+tag@mail.example'],
  ["o'neill_{x}@mail-2.example", "o'neill_{x}@mail-2.example"],
  ['root@localhost', 'root@localhost'],
  ['alice@b\u00fccher.example', 'alice@xn--bcher-kva.example'],
  ['alice@B\u00dcCHER.example', 'alice@xn--bcher-kva.example'],
]

test('an address is kept in one spelling: lower case, and its domain as DNS has it', () => {
  assert.ok(addresses.length > 0)
  for (const [text, address] of addresses) {
    assert.deepEqual(parseEmailAddress(text), { kind: 'address', address }, text)
    assert.deepEqual(parseEmailAddress(address), { kind: 'address', address }, address)
  }
})

const refused: readonly string[] = [
  '',
  '@',
  'alice',
  'alice@',
  '@mail.example',
  'a@b@mail.example',
  'alice@@mail.example',
  '.alice@mail.example',
  'al..ice@mail.example',
  'alice.@mail.example',
  // What would end a header or start a second address (ASVS 1.3.11).
  'alice@mail.example\r\nBcc: eve@mail.example',
  'alice\n@mail.example',
  'a b@mail.example',
  'alice@mail.example,eve@mail.example',
  'alice@mail.example;x',
  '<alice@mail.example>',
  'Alice <alice@mail.example>',
  '"alice"@mail.example',
  'alice(x)@mail.example',
  'a:b@mail.example',
  // What is no name of a domain.
  'alice@127.0.0.1',
  'alice@[127.0.0.1]',
  'alice@[::1]',
  'alice@1',
  'alice@0x7f000001',
  'alice@-mail.example',
  'alice@mail-.example',
  'alice@mail..example',
  'alice@mail.example.',
  'alice@mail.example:25',
  'alice@mail.example/x',
  'alice@mail_x.example',
  'alice@%6dail.example',
  // Letters that look like others, or fold to them.
  '\u0430lice@mail.example',
  'al\u0131ce@mail.example',
  '\u212aate@mail.example',
  'alice\u200b@mail.example',
  `${'a'.repeat(65)}@mail.example`,
  `a@${'b'.repeat(64)}.example`,
  `a@${'b.'.repeat(126)}example`,
]

test('what is no plain address is refused', () => {
  assert.ok(refused.length > 0)
  for (const text of refused) assert.equal(parseEmailAddress(text).kind, 'malformed', text)
})
