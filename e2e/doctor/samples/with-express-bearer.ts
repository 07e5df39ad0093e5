import express from 'express'
import type { AuthOptions } from 'express-oauth2-jwt-bearer'
import { auth } from 'express-oauth2-jwt-bearer'
import type { Sample } from './sample.ts'

interface Choices extends AuthOptions {
  readonly takesQueries?: boolean
}

function expressService({ takesQueries = false, ...options }: Choices): Sample {
  return ({ issuer, audience }) => {
    // Says nothing of requests that are refused.
    const app = express().set('env', 'test')
    // The library takes tokens from queries as well.
    if (!takesQueries) app.set('query parser', () => ({}))
    app.use(auth({ issuerBaseURL: issuer, audience, strict: true, ...options }))
    app.get('/orders', (_request, response) => void response.json({ orders: [] }))
    app.use(((error: Refusal, _request, response, _next) => {
      const [[name, value] = ['x-none', '']] = Object.entries(error.headers ?? {})
      // The library repeats the alg of the token there, which may be no text for a header.
      response.set(name, value.replaceAll(/[^ -~]/g, '?')).sendStatus(error.status ?? 401)
    }) satisfies express.ErrorRequestHandler)
    return app
  }
}

interface Refusal extends Error {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

export const strongExpressBearer: Sample = expressService({})
export const optionalWithExpressBearer: Sample = expressService({ authRequired: false })
export const fromQueryWithExpressBearer: Sample = expressService({ takesQueries: true })
/** Turned off to find out why tokens are refused, and left so. */
export const anyIssuerWithExpressBearer: Sample = expressService({ validators: { iss: false } })
