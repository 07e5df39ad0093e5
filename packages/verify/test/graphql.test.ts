import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import type { AuthContext, GraphQLAuthenticateOptions } from '@portcullis/verify/graphql'
import { requireScope, useAuthentication } from '@portcullis/verify/graphql'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import Fastify from 'fastify'
import { createSchema, createYoga } from 'graphql-yoga'

interface World {
  readonly issuer: TestIssuer
  readonly ask: (query: unknown, token?: string) => Promise<Response>
  readonly yoga: ReturnType<typeof createYoga>
}

const canWrite = requireScope('orders:write')
const typeDefs = 'type Query { caller: String, write: String }'
const Query = {
  caller: (_parent: unknown, _given: unknown, { auth }: AuthContext) =>
    auth?.claims.sub ?? 'nobody',
  write: (_parent: unknown, _given: unknown, { auth }: AuthContext) => canWrite(auth).claims.sub,
}

async function start(context: TestContext, options?: GraphQLAuthenticateOptions): Promise<World> {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', feed: false })
  context.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  const yoga = createYoga({
    schema: createSchema<AuthContext>({ typeDefs, resolvers: { Query } }),
    plugins: [useAuthentication(verifier, options)],
    batching: true,
    logging: false,
  })
  return {
    issuer,
    yoga,
    ask: async (query, token) =>
      yoga.fetch('http://orders.example/graphql', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: typeof query === 'string' ? JSON.stringify({ query }) : JSON.stringify(query),
      }),
  }
}

test('a requirement in a resolver is an error of its field, with a code and a status', async (t) => {
  const { issuer, ask } = await start(t)
  const refused = await ask('{ caller write }', issuer.mint({ sub: 'alice', scope: 'orders:read' }))
  assert.equal(refused.status, 403)
  assert.match(refused.headers.get('www-authenticate') ?? '', /scope="orders:write"$/)
  const { data, errors } = (await refused.json()) as {
    readonly data: unknown
    readonly errors: readonly { readonly message: string; readonly extensions: unknown }[]
  }
  assert.deepEqual(data, { caller: 'alice', write: null })
  assert.deepEqual(
    errors.map(({ message, extensions }) => [message, extensions]),
    [['this needs the scope orders:write', { code: 'FORBIDDEN', problem: 'insufficient-scope' }]],
  )
  const allowed = await ask('{ write }', issuer.mint({ sub: 'alice' }))
  assert.deepEqual(await allowed.json(), { data: { write: 'alice' } })
})

test('with mode optional nobody is somebody without a token, and a bad token is refused', async (t) => {
  const cookie = { name: '__Host-session', origin: 'https://orders.example' }
  const { issuer, ask, yoga } = await start(t, { mode: 'optional', cookie })
  assert.deepEqual(await (await ask('{ caller }')).json(), { data: { caller: 'nobody' } })
  const signedIn = await ask('{ caller }', issuer.mint({ sub: 'alice' }))
  assert.deepEqual(await signedIn.json(), { data: { caller: 'alice' } })
  const write = await ask('{ write }')
  assert.equal(write.status, 401)
  assert.match(await write.text(), /"code":"UNAUTHENTICATED","problem":"missing-token"/)

  assert.equal((await ask('{ caller }', 'no.token.here')).status, 401)
  for (const headers of [
    { authorization: 'Basic dTpw' },
    { cookie: '__Host-session=no.token.here' },
  ]) {
    const answer = await yoga.fetch('http://orders.example/graphql?query={caller}', { headers })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  }
})

test('every operation of a batch has the caller', async (t) => {
  const { issuer, ask } = await start(t)
  const query = '{ caller }'
  const answer = await ask([{ query }, { query }], issuer.mint({ sub: 'alice' }))
  assert.deepEqual(await answer.json(), [
    { data: { caller: 'alice' } },
    { data: { caller: 'alice' } },
  ])
})

test('a request is refused before anything in it is looked at', async (t) => {
  const { ask } = await start(t)
  for (const query of ['{ not a query', '{ nowhere }', 5]) {
    assert.equal((await ask(query)).status, 401)
  }
})

test('inside another framework every Authorization field counts too', async (t) => {
  const { issuer, yoga } = await start(t)
  const app = Fastify()
  t.after(() => app.close())
  app.get('/graphql', async (request, reply) => {
    const answer = await yoga.handleNodeRequestAndResponse(request, reply, { req: request, reply })
    return reply.code(answer.status).send(await answer.text())
  })
  const good = `Bearer ${issuer.mint({ sub: 'alice' })}`
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql?query={caller}`
  const statusFor = async (...fields: readonly string[]): Promise<number | undefined> => {
    const lines = fields.flatMap((value) => ['Authorization', value])
    const sent = httpRequest(url, { headers: ['Host', 'orders.example', ...lines], agent: false })
    sent.end()
    const [response] = await once(sent, 'response')
    response.resume()
    return response.statusCode
  }
  assert.equal(await statusFor(good), 200)
  assert.equal(await statusFor(good, 'Basic dTpw'), 400)
  assert.equal(await statusFor(), 401)
})

test('an operation that came over no request has nobody', async (t) => {
  const { issuer, yoga, ask } = await start(t)
  assert.equal((await ask('{ caller }', issuer.mint())).status, 200)
  const context = { request: new Request('http://orders.example/graphql'), auth: 'a stranger' }
  const { contextFactory } = yoga.getEnveloped(context)
  await assert.rejects(async () => contextFactory({}), {
    extensions: {
      code: 'UNAUTHENTICATED',
      problem: 'missing-token',
      http: {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="access token"' },
      },
    },
  })
})

test('a mode that is neither is a mistake', () => {
  const verifier = { audience: 'orders', verify: () => assert.fail('nothing is verified') }
  const options = { mode: 'lax' } as unknown as GraphQLAuthenticateOptions
  assert.throws(() => useAuthentication(verifier, options), /^TypeError: option "mode"/)
  const unknown = { modes: 'optional' } as unknown as GraphQLAuthenticateOptions
  assert.throws(() => useAuthentication(verifier, unknown), /^TypeError: unknown option "modes"/)
  const nothing = null as unknown as GraphQLAuthenticateOptions
  assert.throws(() => useAuthentication(verifier, nothing), /^TypeError: options must be an object/)
})
