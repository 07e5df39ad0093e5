import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { assertProblem, codesOf, graphqlPath, startReviews } from './running-reviews.ts'

/** Sends these octets and answers everything that comes back; fetch would mend such requests. */
async function exchange(origin: string, lines: readonly string[], body = ''): Promise<string> {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`)
  return text(socket)
}

const read = encodeURIComponent('{ reviews(item: "lamp") { id } }')
const get = `GET ${graphqlPath}?query=${read} HTTP/1.1`

test('two Authorization headers are refused, even where the first one is good', async (t) => {
  const { origin, mint } = await startReviews(t)
  const good = `Authorization: Bearer ${mint()}`
  for (const second of [good, 'authorization: Bearer no.token.here', 'AUTHORIZATION: Basic eA==']) {
    const answer = await exchange(origin, [get, 'Host: localhost', good, second])
    assert.match(answer, /^HTTP\/1\.1 400 /)
    assert.match(answer, /www-authenticate: Bearer realm="reviews", error="invalid_request"/)
    assert.match(answer, /more than one Authorization header/)
  }
  assert.match(await exchange(origin, [get, 'Host: localhost', good]), /^HTTP\/1\.1 200 /)
})

test('whatever stands in the Host header, the answer is the same and no stack trace', async (t) => {
  const { origin } = await startReviews(t)
  for (const host of ['[', 'a/b?c=', 'localhost:99999', '']) {
    const answer = await exchange(origin, [get, `Host: ${host}`])
    assert.match(answer, /^HTTP\/1\.1 200 /, host)
    assert.ok(!answer.includes('node_modules'))
  }
})

test('a body of more than 16 KiB is a 413 problem, whether its length is declared or not', async (t) => {
  const { ask, origin } = await startReviews(t)
  const body = JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(17_000) } })
  assertProblem(await ask('', undefined, { body }), 413)
  const json = 'Content-Type: application/json'
  const lines = [`POST ${graphqlPath} HTTP/1.1`, 'Host: localhost', json]
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  const answer = await exchange(origin, [...lines, 'Transfer-Encoding: chunked'], chunked)
  assert.match(answer, /^HTTP\/1\.1 413 [^]+application\/problem\+json/)
})

test('what is not a GraphQL request is refused as one expects', async (t) => {
  const { ask, origin } = await startReviews(t)
  const query = '{ __typename }'
  const csv = { 'content-type': 'text/csv' }
  assertProblem(await ask(query, undefined, { headers: csv, body: query }), 415)
  const html = { accept: 'text/html' }
  assertProblem(await ask(query, undefined, { headers: html }), 406)
  for (const body of ['', '{', '[]', '"x"', '{}', `[{"query":"${query}"}]`]) {
    assert.equal((await ask(query, undefined, { body })).status, 400, body)
  }
  assert.equal((await ask(query, undefined, { method: 'PUT' })).status, 405)
  for (const path of ['/', '/nowhere', `${graphqlPath}/`, '/reviews/./graphql', '/graphql']) {
    const answer = await exchange(origin, [`GET ${path}?query=${read} HTTP/1.1`, 'Host: localhost'])
    assert.match(answer, /^HTTP\/1\.1 404 [^]+application\/problem\+json/, path)
  }
})

test('the page of another origin is not let in, and no page is served', async (t) => {
  const { ask, origin } = await startReviews(t)
  const { headers } = await ask('{ __typename }', undefined, {
    headers: { origin: 'https://elsewhere.example' },
  })
  assert.equal(headers.get('access-control-allow-origin'), null)
  const browser = await fetch(`${origin}${graphqlPath}`, { headers: { accept: 'text/html' } })
  assert.ok(!(await browser.text()).includes('<html'))
})

test('health needs no token and says whether tokens can be checked', async (t) => {
  const { issuer, origin } = await startReviews(t)
  issuer.goDown()
  const without = await fetch(`${origin}/health`)
  assert.deepEqual([without.status, await without.json()], [503, { status: 'not ready' }])
})

test('without keys a token is 503, and who says nothing still reads', async (t) => {
  const { issuer, ask, mint } = await startReviews(t)
  issuer.goDown()
  const query = '{ reviews(item: "lamp") { id } }'
  const answer = await ask(query, mint())
  assertProblem(answer, 503)
  assert.ok(Number(answer.headers.get('retry-after')) >= 1)
  assert.deepEqual((await ask(query)).body, { data: { reviews: [] } })
})

test('a mistake in the document is a 400 that names it', async (t) => {
  const { ask } = await startReviews(t)
  for (const [query, code] of [
    ['{ reviews(item: "lamp") { password } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ reviews', 'GRAPHQL_PARSE_FAILED'],
  ] as const) {
    const { status, body } = await ask(query)
    assert.equal(status, 400)
    assert.deepEqual(codesOf(body), [code])
  }
})
