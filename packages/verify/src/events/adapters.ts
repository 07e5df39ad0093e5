import { Buffer } from 'node:buffer'
import type { RequestHandler } from 'express'
import type { FastifyPluginCallback } from 'fastify'
import { presentedFetchRequest, rawFieldValues } from '../presented-request.ts'
import type { EventReceiver } from './event-receiver.ts'

/** A token may have as many characters. */
const eventBytesMax = 8192

/** For Express, before what reads bodies: `app.post('/events', expressEvents(receiver))`. */
export function expressEvents(receiver: EventReceiver): RequestHandler {
  return async (request, response, next) => {
    try {
      if (request.readableEnded) throw new Error('events must be taken before what reads bodies')
      const body = await bodyOf(request.iterator({ destroyOnReturn: false }))
      const delivery = { fieldValues: rawFieldValues(request.rawHeaders), body }
      const answered = await receiver.receive(delivery)
      response.writeHead(answered.status, answered.headers).end(answered.body)
    } catch (error) {
      next(error)
    }
  }
}

/** A plugin for Fastify: `app.register(fastifyEvents(receiver), { prefix: '/events' })`. */
export function fastifyEvents(receiver: EventReceiver): FastifyPluginCallback {
  return (app, _options, done) => {
    // The receiver says what it takes, and whoever sends something else is told so by it.
    app.removeAllContentTypeParsers()
    const options = { parseAs: 'string', bodyLimit: eventBytesMax } as const
    app.addContentTypeParser('*', options, (_request, body, parsed) => parsed(null, body))
    app.post('/', async ({ raw, body }, reply) => {
      const text = typeof body === 'string' ? body : ''
      const delivery = { fieldValues: rawFieldValues(raw.rawHeaders), body: text }
      const answered = await receiver.receive(delivery)
      return reply.code(answered.status).headers(answered.headers).send(answered.body)
    })
    done()
  }
}

/** For handlers that take a `Request` and return a `Response`. */
export function fetchEvents(receiver: EventReceiver): (request: Request) => Promise<Response> {
  return async (request) => {
    const { fieldValues } = presentedFetchRequest(request)
    const body = await bodyOf(request.body)
    const answered = await receiver.receive({ fieldValues, body })
    return new Response(answered.body, { status: answered.status, headers: answered.headers })
  }
}

/** Undefined for one that is too long, of which the rest is not read. */
async function bodyOf(chunks: AsyncIterable<Uint8Array> | null): Promise<string | undefined> {
  const read: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks ?? []) {
    bytes += chunk.length
    if (bytes > eventBytesMax) return undefined
    read.push(chunk)
  }
  return Buffer.concat(read).toString()
}
