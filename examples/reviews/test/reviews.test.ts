import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertProblem, codesOf, startReviews } from './running-reviews.ts'

const everything = 'id item stars text createdAt flags author removedBy'

test('everybody reads reviews, and who wrote them is not said', async (t) => {
  const { ask, add } = await startReviews(t)
  const id = await add('alice', 'lamp', 'bright')
  await add('alice', 'chair')
  const { status, headers, body } = await ask(`{ reviews(item: "lamp") { ${everything} } }`)
  assert.equal(status, 200)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.ok(Array.isArray(body.data?.['reviews']))
  const [{ createdAt, ...review }, ...others] = body.data['reviews']
  assert.deepEqual(others, [])
  assert.equal(new Date(createdAt).toISOString(), createdAt)
  const hidden = { author: null, removedBy: null }
  assert.deepEqual(review, { id, item: 'lamp', stars: 5, text: 'bright', flags: [], ...hidden })
})

test('who says nothing may read and nothing else', async (t) => {
  const { ask, add } = await startReviews(t)
  const id = await add('alice', 'lamp')
  for (const operation of [
    'mutation { addReview(item: "lamp", stars: 1, text: "no") { id } }',
    `mutation { removeReview(id: "${id}") { id } }`,
    '{ myReviews { id } }',
    'subscription { reviewAdded { id } }',
  ]) {
    const { status, body } = await ask(operation)
    assert.equal(status, 200, operation)
    assert.deepEqual(codesOf(body), ['UNAUTHENTICATED'], operation)
    assert.equal(body.data ?? null, null)
  }
  const { body } = await ask('{ reviews(item: "lamp") { id } }')
  assert.deepEqual(body.data, { reviews: [{ id }] })
})

test('a GET reads, and never writes', async (t) => {
  const { origin, mint, add } = await startReviews(t)
  const id = await add('alice', 'lamp')
  const headers = { authorization: `Bearer ${mint({ sub: 'alice' })}` }
  const get = (query: string): Promise<Response> =>
    fetch(`${origin}/reviews/graphql?${String(new URLSearchParams({ query }))}`, { headers })
  const read = await get('{ reviews(item: "lamp") { id flags } }')
  assert.deepEqual(await read.json(), { data: { reviews: [{ id, flags: ['yours'] }] } })
  const write = await get('mutation { addReview(item: "x", stars: 1, text: "x") { id } }')
  assert.equal(write.status, 405)
  assert.match(await write.text(), /POST/)
})

test('a token that is bad is 401 with a challenge, and never an anonymous caller', async (t) => {
  const { issuer, ask, mint } = await startReviews(t)
  const bad = [
    'no.token.here',
    mint({ exp: 1 }),
    mint({ aud: 'orders' }),
    mint({ iss: 'https://id.example' }),
    issuer.forge({ signature: 'stranger', payload: { set: { aud: 'reviews' } } }),
  ]
  for (const token of bad) {
    const answer = await ask('{ reviews(item: "lamp") { id } }', token)
    assertProblem(answer, 401)
    assert.equal(answer.body.code, 'invalid-token')
    const challenge = String(answer.headers.get('www-authenticate'))
    assert.match(challenge, /^Bearer realm="reviews", error="invalid_token"/)
    assert.ok(!JSON.stringify(answer.body).includes(token))
  }
})

test('an Authorization header that carries no bearer token is not anonymous either', async (t) => {
  const { ask } = await startReviews(t)
  for (const [authorization, status] of [
    ['Basic YWxpY2U6c2VjcmV0', 401],
    ['Bearer', 400],
    ['Bearer a b', 400],
    ['', 400],
  ] as const) {
    const answer = await ask('{ __typename }', undefined, { headers: { authorization } })
    assertProblem(answer, status)
    assert.match(String(answer.headers.get('www-authenticate')), /^Bearer realm="reviews"/)
  }
})

test('the scope reviews:write is what adding needs', async (t) => {
  const { ask, mint } = await startReviews(t)
  const operation = 'mutation { addReview(item: "lamp", stars: 4, text: "good") { stars author } }'
  for (const scope of [undefined, 'reviews:read', 'Reviews:write']) {
    const { status, body } = await ask(operation, mint({ scope, roles: ['moderator'] }))
    assert.equal(status, 200)
    const [error, ...others] = body.errors ?? []
    assert.deepEqual(others, [])
    assert.deepEqual(error?.extensions, { code: 'FORBIDDEN', scope: 'reviews:write' })
  }
  const { body } = await ask(operation, mint({ sub: 'alice' }))
  assert.deepEqual(body, { data: { addReview: { stars: 4, author: 'alice' } } })
})

test('the author is shown to the author and to a moderator, in the same query for everybody', async (t) => {
  const { ask, add, mint } = await startReviews(t)
  await add('alice', 'lamp')
  await add('bob', 'lamp')
  const authors = async (claims: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const { body } = await ask('{ reviews(item: "lamp") { author } }', mint(claims))
    assert.equal(body.errors, undefined)
    const list = body.data?.['reviews'] as readonly { readonly author: string | null }[]
    return list.map(({ author }) => String(author)).toSorted()
  }
  assert.deepEqual(await authors({ sub: 'alice' }), ['alice', 'null'])
  assert.deepEqual(await authors({ sub: 'Alice' }), ['null', 'null'])
  assert.deepEqual(await authors({ sub: 'mona', roles: ['moderator'] }), ['alice', 'bob'])
  assert.deepEqual(await authors({ sub: 'mona', roles: ['Moderator'] }), ['null', 'null'])
})

test('a moderator removes; then only moderators and the author see the review, and only moderators by whom', async (t) => {
  const { ask, add, mint } = await startReviews(t)
  const id = await add('alice', 'lamp')
  const remove = `mutation { removeReview(id: "${id}") { flags removedBy } }`
  const refused = await ask(remove, mint({ sub: 'alice' }))
  assert.deepEqual(refused.body.errors?.[0]?.extensions, { code: 'FORBIDDEN', role: 'moderator' })

  const mona = mint({ sub: 'mona', roles: ['moderator'] })
  const max = mint({ sub: 'max', roles: ['moderator'] })
  const removed = { flags: ['removed'], removedBy: 'mona' }
  assert.deepEqual((await ask(remove, mona)).body, { data: { removeReview: removed } })
  assert.deepEqual((await ask(remove, max)).body, { data: { removeReview: removed } })
  const unknown = await ask('mutation { removeReview(id: "none") { id } }', mona)
  assert.deepEqual(codesOf(unknown.body), ['NOT_FOUND'])

  const list = '{ reviews(item: "lamp") { flags removedBy } }'
  assert.deepEqual((await ask(list, max)).body.data, { reviews: [removed] })
  assert.deepEqual((await ask(list)).body.data, { reviews: [] })
  assert.deepEqual((await ask(list, mint({ sub: 'alice' }))).body.data, { reviews: [] })
  const own = await ask('{ myReviews { id flags removedBy } }', mint({ sub: 'alice' }))
  const mine = { id, flags: ['yours', 'removed'], removedBy: null }
  assert.deepEqual(own.body.data, { myReviews: [mine] })
})

test('a review that does not fit is refused with everything that is wrong with it', async (t) => {
  const { ask, mint } = await startReviews(t)
  const add = (item: string, stars: number, text: string): ReturnType<typeof ask> => {
    const query = `mutation ($item: String!, $stars: Int!, $text: String!) {
      addReview(item: $item, stars: $stars, text: $text) { id } }`
    const body = JSON.stringify({ query, variables: { item, stars, text } })
    return ask(query, mint(), { body })
  }
  const all = await add(' ', 6, 'x'.repeat(2001))
  assert.deepEqual(codesOf(all.body), ['BAD_USER_INPUT'])
  assert.match(all.body.errors?.[0]?.message ?? '', /^item .+; stars .+; text /)
  for (const [item, stars, text] of [
    ['x'.repeat(201), 1, 'x'],
    ['lamp', 0, 'x'],
    ['lamp', -1, 'x'],
    ['lamp', 1, ''],
  ] as const) {
    assert.deepEqual(codesOf((await add(item, stars, text)).body), ['BAD_USER_INPUT'])
  }
  const fraction = await add('lamp', 1.5, 'x')
  assert.ok(fraction.body.errors?.length === 1)
  assert.deepEqual((await ask('{ myReviews { id } }', mint())).body.data, { myReviews: [] })
  assert.equal((await add('x'.repeat(200), 1, 'x'.repeat(2000))).body.errors, undefined)
})
