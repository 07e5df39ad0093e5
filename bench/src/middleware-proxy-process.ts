import { createPublicKey } from 'node:crypto'
import { Agent } from 'node:http'
import { parseArgs } from 'node:util'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { jwtVerify } from 'jose'
import { bearerOf, readTrust } from './proxy-trust.ts'

/** Express, jose and http-proxy-middleware, as most examples have them, with connections that are kept. */
const { positionals } = parseArgs({ allowPositionals: true })
const [port, upstream = '', trustPath = ''] = positionals
const { key: pem, issuer, audience } = readTrust(trustPath)
const key = createPublicKey(pem)
const options = { algorithms: ['RS256'], issuer, audience }

const app = express()
app.get('/open', (_request, response) => void response.json({ open: true }))
app.use(async (request, response, next) => {
  try {
    await jwtVerify(bearerOf(request.headers.authorization), key, options)
  } catch {
    response.status(401).end()
    return
  }
  next()
})
app.use(createProxyMiddleware({ target: upstream, agent: new Agent({ keepAlive: true }) }))
const server = app.listen(Number(port), '127.0.0.1')
server.keepAliveTimeout = 3_600_000
