import { parseArgs } from 'node:util'
import proxy from '@fastify/http-proxy'
import { fastify } from 'fastify'
import { fastJwtVerifier } from './fast-jwt-verifier.ts'
import { bearerOf, readTrust } from './proxy-trust.ts'

/** @fastify/http-proxy on undici, with fast-jwt in front of it, and a log of its requests as everybody else has. */
const { positionals } = parseArgs({ allowPositionals: true })
const [port, upstream = '', trustPath = '', cached = '0'] = positionals
const verify = fastJwtVerifier(readTrust(trustPath), cached === '0' ? false : Number(cached))

const server = fastify({ keepAliveTimeout: 3_600_000, logger: true })
server.get('/open', async () => ({ open: true }))
await server.register(proxy, {
  upstream,
  prefix: '/orders',
  rewritePrefix: '/orders',
  preHandler: (request, reply, next) => {
    try {
      verify(bearerOf(request.headers.authorization))
    } catch {
      reply.code(401).send()
      return
    }
    next()
  },
})
await server.listen({ port: Number(port), host: '127.0.0.1' })
