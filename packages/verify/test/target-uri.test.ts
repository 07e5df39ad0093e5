import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalTargetUri } from '../src/dpop/target-uri.ts'

const same: readonly (readonly [string, string])[] = [
  ['https://id.example/a', 'https://id.example/a'],
  ['HTTPS://ID.Example/a', 'https://id.example/a'],
  ['https://id.example', 'https://id.example/'],
  ['https://id.example:443/a', 'https://id.example/a'],
  ['https://id.example:/a', 'https://id.example/a'],
  ['http://id.example:80/', 'http://id.example/'],
  ['http://id.example:443/', 'http://id.example:443/'],
  ['https://id.example:8443', 'https://id.example:8443/'],
  ['http://[::1]:4001/a', 'http://[::1]:4001/a'],
  ['http://[2001:DB8::A]/', 'http://[2001:db8::a]/'],
  ['https://id.example/%7Ea%2d%5F%2E', 'https://id.example/~a-_.'],
  ['https://id.example/%e2%82%ac', 'https://id.example/%E2%82%AC'],
  ['https://id.example/a%2fb', 'https://id.example/a%2Fb'],
  ['https://id.example/a%2561', 'https://id.example/a%2561'],
  ['https://id.example/a%3Fb%23c', 'https://id.example/a%3Fb%23c'],
  ['https://id.example/%zz%4', 'https://id.example/%zz%4'],
  ['https://id.example/a/../b/./', 'https://id.example/a/../b/./'],
  ['https://id.example//a', 'https://id.example//a'],
  ['https://id.example/A|[b]', 'https://id.example/A|[b]'],
]

for (const [uri, normal] of same) {
  test(`${uri} is written as ${normal}, and that stays`, () => {
    assert.equal(normalTargetUri(uri), normal)
    assert.equal(normalTargetUri(normal), normal)
  })
}

const others = [
  '',
  '/a',
  '//id.example/a',
  'id.example/a',
  'ftp://id.example/a',
  'https:/id.example/a',
  'https:id.example/a',
  'https://',
  'https:///a',
  'https://:443/a',
  'https://alice@id.example/a',
  'https://alice:secret@id.example/a',
  'https://id.example\\@evil.example/a',
  'https://id.example/a?b',
  'https://id.example/a#b',
  'https://id.example?a',
  'https://id.example:a/',
  'https://id.exa%6Dple/',
  'https://id.exämple/',
  'https://id example/',
  ' https://id.example/',
  'ht\ntps://id.example/',
]

for (const uri of others) {
  test(`${JSON.stringify(uri)} is no target of HTTP`, () => {
    assert.equal(normalTargetUri(uri), undefined)
  })
}
