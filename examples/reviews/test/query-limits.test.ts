import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getIntrospectionQuery } from 'graphql'
import { codesOf, startReviews } from './running-reviews.ts'

const list = 'reviews(item: "lamp")'
const times = (count: number, text: (number: number) => string): string =>
  Array.from({ length: count }, (_none, at) => text(at)).join(' ')
/** Types do not matter: what is too large is refused before it is validated. */
const nested = (depth: number): string => `${'{ a '.repeat(depth)}${'} '.repeat(depth)}`

const tooLarge: readonly (readonly [string, string])[] = [
  ['nine levels', nested(9)],
  ['three hundred levels', nested(300)],
  ['fifty-one fields', `{ ${times(51, () => '__typename')} }`],
  ['twenty-six aliases of a list', `{ ${times(26, (at) => `a${at}: ${list} { id }`)} }`],
  [
    'fragments that double',
    `{ ...f0 } ${times(9, (at) => `fragment f${at} on Query { ...f${at + 1} ...f${at + 1} }`)}
     fragment f9 on Query { __typename }`,
  ],
  ['fragments in a ring', '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'],
  [
    'a depth made of fragments',
    `{ ...a } fragment a on Query { a { a { a { a { ...b } } } } }
     fragment b on Review { a { a { a { a { a } } } } }`,
  ],
  ['a fragment that nobody spreads', `{ __typename } fragment a on Query ${nested(9)}`],
  ['inline fragments', `{ ${'... { '.repeat(51)} __typename ${'} '.repeat(51)} }`],
  [
    'introspection with many aliases',
    `{ __schema { ${times(64, (at) => `a${at}: types { name name name }`)} } }`,
  ],
]

test('a query that is too deep or too wide is a 400 that says so', async (t) => {
  const { ask } = await startReviews(t)
  assert.ok(tooLarge.length > 0)
  for (const [name, query] of tooLarge) {
    const { status, body } = await ask(query)
    assert.equal(status, 400, name)
    assert.deepEqual(codesOf(body), ['QUERY_TOO_LARGE'], name)
  }
})

test('an operation that is not asked for is measured like the one that is', async (t) => {
  const { ask } = await startReviews(t)
  const query = `query a { __typename } query b { ${times(51, () => 'id')} }`
  const body = JSON.stringify({ query, operationName: 'a' })
  assert.deepEqual(codesOf((await ask(query, undefined, { body })).body), ['QUERY_TOO_LARGE'])
})

test('a document of more tokens than anybody needs is not even parsed', async (t) => {
  const { ask } = await startReviews(t)
  for (const query of [nested(2500), `{ ${'a '.repeat(7000)} }`]) {
    const { status, body } = await ask(query)
    assert.equal(status, 400)
    assert.deepEqual(codesOf(body), ['GRAPHQL_PARSE_FAILED'])
    assert.match(body.errors?.[0]?.message ?? '', /1000 tokens/)
  }
})

test('what stays inside the limits is answered, and so is the introspection of tools', async (t) => {
  const { ask } = await startReviews(t)
  const query = `{ ${times(25, (at) => `a${at}: ${list} { id }`)} }`
  const { body } = await ask(query)
  assert.equal(body.errors, undefined)
  assert.equal(Object.keys(body.data ?? {}).length, 25)
  const schema = await ask(
    getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }),
  )
  assert.deepEqual([schema.status, schema.body.errors], [200, undefined])
})
