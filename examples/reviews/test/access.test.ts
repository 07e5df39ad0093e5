import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema } from 'graphql'
import { anybody, guardSchema, nullExceptFor, only, signedIn } from '../src/access.ts'

const schema = (): ReturnType<typeof buildSchema> =>
  buildSchema('type Query { open: String closed: String! }')

test('a field without a rule keeps the service from starting', () => {
  const table = { 'Query.open': anybody }
  assert.throws(() => guardSchema(schema(), table), /nothing says who may have Query\.closed/)
})

test('a rule without a field keeps the service from starting', () => {
  const table = { 'Query.open': anybody, 'Query.closed': only(signedIn), 'Query.gone': anybody }
  assert.throws(() => guardSchema(schema(), table), /there is no field Query\.gone/)
})

test('a field that can never be null cannot be hidden', () => {
  const table = { 'Query.open': anybody, 'Query.closed': nullExceptFor(signedIn) }
  assert.throws(() => guardSchema(schema(), table), /Query\.closed can never be null/)
})
