import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import type { AuthenticateOptions, RequestVerifier } from '@portcullis/verify'
import * as forExpress from '@portcullis/verify/express'
import * as forFastify from '@portcullis/verify/fastify'
import * as forFetch from '@portcullis/verify/fetch'
import * as forGraphQL from '@portcullis/verify/graphql'
import * as forHono from '@portcullis/verify/hono'
import * as forKoa from '@portcullis/verify/koa'
import express from 'express'
import Fastify from 'fastify'
import { createSchema, createYoga } from 'graphql-yoga'
import { Hono } from 'hono'
import Koa from 'koa'

/**
 * A server on loopback for every adapter. Each lets in with the text `let in`, or answers the refusal:
 *
 * - `/` every token; `/caller` too, and answers its `sub`; `/fails` throws a RangeError
 * - `/scope` the scope `orders:read`, `/role` the role `admin`, `/recent` a sign-in of the last 300 s
 * - `/fresh` a word of the issuer of the last 5 s
 * - `/unguarded` the role `admin`, by mistake without `authenticate` before it
 */
export interface Adapter {
  readonly name: string
  /** Where all paths lead to before the adapter sees them; it is what proofs are for. */
  readonly endpoint?: string
  readonly serve: (verifier: RequestVerifier, options?: AdapterOptions) => Promise<RunningAdapter>
}

export interface AdapterOptions extends AuthenticateOptions {
  /** Milliseconds since 1970, for `/recent`. Default `Date.now`. */
  readonly now?: () => number
}

export interface RunningAdapter {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly close: () => Promise<void>
}

const seconds = 300
const maxStalenessSeconds = 5
const letIn = 'let in'

function fail(): never {
  throw new RangeError('a bug of the handler')
}

async function listen(listener: RequestListener): Promise<RunningAdapter> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return running(server)
}

function running(server: Server): RunningAdapter {
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Hono's server is the one that turns Node's requests into those of fetch. */
async function listenFetch(
  answer: (request: Request) => Response | Promise<Response>,
): Promise<RunningAdapter> {
  const server = serve({ fetch: answer, port: 0, hostname: '127.0.0.1' }) as Server
  if (!server.listening) await once(server, 'listening')
  return running(server)
}

const greetFetch: forFetch.AuthenticatedHandler = () => new Response(letIn)

const serveFetch: Adapter['serve'] = async (verifier, { now = Date.now, ...options } = {}) => {
  const guard = forFetch.authenticate(verifier, options)
  const isAdmin = forFetch.requireRole('admin')
  const routes: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
    '/': guard(greetFetch),
    '/caller': guard((_request, auth) => new Response(auth.claims.sub)),
    '/fails': guard(fail),
    '/scope': guard(greetFetch, forFetch.requireScope('orders:read')),
    '/role': guard(greetFetch, isAdmin),
    '/recent': guard(greetFetch, forFetch.requireRecentAuth({ seconds, now })),
    '/fresh': guard(greetFetch, forFetch.requireFresh({ maxStalenessSeconds })),
    '/unguarded': async () => {
      const auth: unknown = undefined
      isAdmin(auth as forFetch.Auth)
      return new Response(letIn)
    },
  }
  return listenFetch((request) => {
    const route = routes[new URL(request.url).pathname]
    return route === undefined ? new Response(null, { status: 404 }) : route(request)
  })
}

const serveFastify: Adapter['serve'] = async (verifier, { now = Date.now, ...options } = {}) => {
  const app = Fastify()
  app.all('/unguarded', { preHandler: forFastify.requireRole('admin') }, () => letIn)
  await app.register(async (scope) => {
    await scope.register(forFastify.authenticate(verifier, options))
    scope.all('/', () => letIn)
    scope.all('/caller', ({ auth }) => auth.claims.sub)
    scope.all('/fails', fail)
    scope.all('/scope', { preHandler: forFastify.requireScope('orders:read') }, () => letIn)
    scope.all('/role', { preHandler: forFastify.requireRole('admin') }, () => letIn)
    const recent = forFastify.requireRecentAuth({ seconds, now })
    scope.all('/recent', { preHandler: recent }, () => letIn)
    const fresh = forFastify.requireFresh({ maxStalenessSeconds })
    scope.all('/fresh', { preHandler: fresh }, () => letIn)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return running(app.server)
}

const greetExpress: express.RequestHandler = (_request, response) => void response.send(letIn)

const serveExpress: Adapter['serve'] = (verifier, { now = Date.now, ...options } = {}) => {
  const app = express()
  // Without it Express prints every error of a handler.
  app.set('env', 'test')
  app.all('/unguarded', forExpress.requireRole('admin'), greetExpress)
  app.use(forExpress.authenticate(verifier, options))
  app.all('/', greetExpress)
  app.all('/caller', (request, response) => void response.send(request.auth.claims.sub))
  app.all('/fails', fail)
  app.all('/scope', forExpress.requireScope('orders:read'), greetExpress)
  app.all('/role', forExpress.requireRole('admin'), greetExpress)
  app.all('/recent', forExpress.requireRecentAuth({ seconds, now }), greetExpress)
  app.all('/fresh', forExpress.requireFresh({ maxStalenessSeconds }), greetExpress)
  return listen((request, response) => void app(request, response))
}

const serveHono: Adapter['serve'] = (verifier, { now = Date.now, ...options } = {}) => {
  const app = new Hono<forHono.AuthEnv>()
  app.onError((_error, context) => context.text('the application failed', 500))
  app.all('/unguarded', forHono.requireRole('admin'), (context) => context.text(letIn))
  app.use(forHono.authenticate(verifier, options))
  // A Response of its own, which Hono treats in another way than those it makes.
  app.all('/', () => new Response(letIn))
  app.all('/caller', (context) => context.text(context.get('auth').claims.sub))
  app.all('/fails', fail)
  app.all('/scope', forHono.requireScope('orders:read'), (context) => context.text(letIn))
  app.all('/role', forHono.requireRole('admin'), (context) => context.text(letIn))
  const recent = forHono.requireRecentAuth({ seconds, now })
  app.all('/recent', recent, (context) => context.text(letIn))
  const fresh = forHono.requireFresh({ maxStalenessSeconds })
  app.all('/fresh', fresh, (context) => context.text(letIn))
  return listenFetch((request) => app.fetch(request))
}

const serveKoa: Adapter['serve'] = (verifier, { now = Date.now, ...options } = {}) => {
  const app = new Koa<forKoa.AuthState>()
  // Without it Koa prints every error of a handler.
  app.silent = true
  const authenticated = forKoa.authenticate(verifier, options)
  const isAdmin = forKoa.requireRole('admin')
  const requirements = new Map([
    ['/unguarded', isAdmin],
    ['/scope', forKoa.requireScope('orders:read')],
    ['/role', isAdmin],
    ['/recent', forKoa.requireRecentAuth({ seconds, now })],
    ['/fresh', forKoa.requireFresh({ maxStalenessSeconds })],
  ])
  app.use((context, next) =>
    context.path === '/unguarded' ? next() : authenticated(context, next),
  )
  app.use((context, next) => requirements.get(context.path)?.(context, next) ?? next())
  app.use((context) => {
    if (context.path === '/fails') fail()
    context.body = context.path === '/caller' ? context.state.auth.claims.sub : letIn
  })
  const answer = app.callback()
  return listen((request, response) => void answer(request, response))
}

const typeDefs = /* GraphQL */ `
  type Query {
    root: String!
    caller: String!
    fails: String!
    scope: String!
    role: String!
    recent: String!
    fresh: String!
  }
`

const fields: ReadonlyMap<string, string> = new Map([
  ['/', 'root'],
  ['/caller', 'caller'],
  ['/fails', 'fails'],
  ['/scope', 'scope'],
  ['/role', 'role'],
  ['/recent', 'recent'],
  ['/fresh', 'fresh'],
  ['/unguarded', 'role'],
])

type Resolver = (parent: unknown, given: unknown, context: forGraphQL.AuthContext) => string

function behind(requirement: forGraphQL.GraphQLRequirement): Resolver {
  return (_parent, _given, { auth }) => {
    requirement(auth)
    return letIn
  }
}

const serveGraphQL: Adapter['serve'] = async (verifier, { now = Date.now, ...options } = {}) => {
  const isAdmin = forGraphQL.requireRole('admin')
  const Query: Readonly<Record<string, Resolver>> = {
    root: () => letIn,
    caller: (_parent, _given, { auth }) => auth?.claims.sub ?? 'nobody',
    fails: fail,
    scope: behind(forGraphQL.requireScope('orders:read')),
    role: behind(isAdmin),
    recent: behind(forGraphQL.requireRecentAuth({ seconds, now })),
    fresh: behind(forGraphQL.requireFresh({ maxStalenessSeconds })),
  }
  const authentication = forGraphQL.useAuthentication(verifier, options)
  const yogas = [[authentication], []].map((plugins) =>
    createYoga({
      schema: createSchema<forGraphQL.AuthContext>({ typeDefs, resolvers: { Query } }),
      plugins,
      logging: false,
    }),
  )
  return listen((request, response) => {
    const [path = '/'] = request.url?.split('?') ?? []
    const [yoga] = path === '/unguarded' ? yogas.slice(1) : yogas
    if (yoga !== undefined) void answerField(yoga, fields.get(path) ?? 'none', request, response)
  })
}

/** Yoga answers JSON for a query; this makes the field's text of it, and leaves refusals alone. */
async function answerField(
  yoga: ReturnType<typeof createYoga>,
  field: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const query = `{ ${field} }`
  request.url = `/graphql?query=${encodeURIComponent(query)}`
  // As a framework that has parsed the body hands it over.
  if (request.method !== 'GET') Object.assign(request, { body: { query } })
  const answer = await yoga.handleNodeRequestAndResponse(request, response, {
    req: request,
    res: response,
  })
  const text = await answer.text()
  const { data } = JSON.parse(text) as { readonly data?: Readonly<Record<string, string>> | null }
  answer.headers.delete('content-length')
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(data?.[field] ?? text)
}

export const adapters: readonly Adapter[] = [
  { name: 'fetch', serve: serveFetch },
  { name: 'fastify', serve: serveFastify },
  { name: 'express', serve: serveExpress },
  { name: 'hono', serve: serveHono },
  { name: 'koa', serve: serveKoa },
  { name: 'graphql', endpoint: '/graphql', serve: serveGraphQL },
]
