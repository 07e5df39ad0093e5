import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { commonPasswordsPath, commonPasswordsSource } from './common-passwords.ts'

test('the list of common passwords is what its package has, to the letter', () => {
  const source = commonPasswordsSource()
  assert.ok(source.length > 100_000, `${source.length} characters were made`)
  assert.match(source, /Permission is hereby granted, free of charge/)
  assert.equal(
    readFileSync(commonPasswordsPath, 'utf8'),
    source,
    'run npm run generate:common-passwords',
  )
})
