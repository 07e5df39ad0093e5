import express from 'express'
import jsonwebtoken from 'jsonwebtoken'
import type { JwtPayload, VerifyOptions } from 'jsonwebtoken'
import type { Trust } from '@portcullis/doctor'
import type { Sample } from './sample.ts'
import { bearerOf, pemOf, serviceFor } from './sample.ts'

const { decode, verify } = jsonwebtoken

function strongOptions({ issuer, audience }: Trust): VerifyOptions {
  return { issuer, audience, algorithms: ['RS256'] }
}

/** What the library leaves to its callers: the kind of the token, crit, and that there is an exp. */
function checkRest(token: string): boolean {
  return isAccessToken(token) && headerOf(token)['crit'] === undefined
}

function isAccessToken(token: string): boolean {
  const { exp } = (decode(token) ?? {}) as JwtPayload
  const { typ } = headerOf(token)
  return (
    String(typ)
      .toLowerCase()
      .replace(/^application\//, '') === 'at+jwt' && exp !== undefined
  )
}

function headerOf(token: string): Readonly<Record<string, unknown>> {
  return { ...decode(token, { complete: true })?.header }
}

type Rest = (token: string) => boolean

function jsonwebtokenService(
  changes: VerifyOptions,
  rest: Rest = checkRest,
  removed: readonly (keyof VerifyOptions)[] = [],
): Sample {
  return async (trust) => {
    const pem = await pemOf(trust)
    const all = Object.entries({ ...strongOptions(trust), ...changes })
    const options = Object.fromEntries(all.filter(([name]) => !removed.some((one) => one === name)))
    return serviceFor((token) => {
      verify(token, pem, options)
      return rest(token)
    })
  }
}

export const strongJsonwebtoken: Sample = jsonwebtokenService({})
export const anyAudienceWithJsonwebtoken: Sample = jsonwebtokenService({}, checkRest, ['audience'])
export const anyTimeWithJsonwebtoken: Sample = jsonwebtokenService({ ignoreNotBefore: true })
/** The library says nothing about crit. */
export const anyCritWithJsonwebtoken: Sample = jsonwebtokenService({}, isAccessToken)

/** The name is near, and the types fit. */
export const decodedWithJsonwebtoken: Sample = () =>
  serviceFor((token) => {
    const payload = decode(token)
    return typeof payload === 'object' && payload !== null && (payload.exp ?? 0) > Date.now() / 1000
  })

/** What is thrown in a middleware becomes an answer of Express. */
export const uncaughtWithJsonwebtoken: Sample = async (trust) => {
  const pem = await pemOf(trust)
  const app = express()
  app.use((request, _response, next) => {
    const token = bearerOf(request)
    if (token === undefined) throw new Error('no token')
    verify(token, pem, strongOptions(trust))
    if (!checkRest(token)) throw new Error('not an access token')
    next()
  })
  app.get('/orders', (_request, response) => void response.json({ orders: [] }))
  app.use(((error: Error, _request, response, _next) => {
    response.status(500).send(error.stack)
  }) satisfies express.ErrorRequestHandler)
  return app
}

/** The guard knows exactly one spelling of the path, and the router of Express several. */
export const guardedPathWithJsonwebtoken: Sample = async (trust) => {
  const pem = await pemOf(trust)
  const app = express()
  app.use((request, response, next) => {
    if (request.path !== '/orders') return next()
    const token = bearerOf(request)
    const challenge = token === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
    const refuse = (): void => void response.set('www-authenticate', challenge).sendStatus(401)
    try {
      if (token === undefined) return refuse()
      verify(token, pem, strongOptions(trust))
      return checkRest(token) ? next() : refuse()
    } catch {
      return refuse()
    }
  })
  app.get('/orders', (_request, response) => void response.json({ orders: [] }))
  return app
}

/** Made for a gateway in front that says who is asking. */
export const believedHeaderWithJsonwebtoken: Sample = async (trust) => {
  const pem = await pemOf(trust)
  const guarded = serviceFor((token) => {
    verify(token, pem, strongOptions(trust))
    return checkRest(token)
  })
  return (request, response) => {
    if (request.headers['x-forwarded-user'] === undefined) return guarded(request, response)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"orders":[]}')
  }
}
