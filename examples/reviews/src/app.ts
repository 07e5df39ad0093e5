import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Verifier } from '@portcullis/verify'
import type { AuthContext } from '@portcullis/verify/graphql'
import { useAuthentication } from '@portcullis/verify/graphql'
import { createYoga } from 'graphql-yoga'
import { answerRefusalsAsProblems, sendProblem } from './problems.ts'
import { limitQueries } from './query-limits.ts'
import type { ReviewBook } from './review-book.ts'
import type { ReviewFeed } from './review-feed.ts'
import { createReviewsSchema } from './schema.ts'

const graphqlPath = '/reviews/graphql'
const bodyBytesMax = 16 * 1024
const requestMsMax = 10_000

/** Everybody may ask; what the answer holds depends on who asks, field by field. */
export function createApp(verifier: Verifier, reviews: ReviewBook, feed: ReviewFeed): Server {
  // Only who shows nothing is anonymous: a token that is bad, or shown in a wrong way, is refused.
  const authentication = useAuthentication(verifier, { mode: 'optional' })
  const yoga = createYoga<{ req: IncomingMessage; res: ServerResponse }, AuthContext>({
    schema: createReviewsSchema(reviews, feed),
    graphqlEndpoint: graphqlPath,
    maxRequestBodySize: bodyBytesMax,
    plugins: [authentication, limitQueries, answerRefusalsAsProblems],
    logging: 'warn',
    // Nothing that this service does not need.
    batching: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = request.url?.split('?') ?? []
    if (path === '/health') return answerHealth(verifier, response)
    if (path !== graphqlPath) return sendProblem(response, 404, 'there is nothing here')
    // The answers differ from caller to caller.
    response.setHeader('cache-control', 'no-store')
    // Yoga makes a URL of the Host header, and answers one that is no host with a stack trace.
    request.headers.host = 'localhost'
    await yoga(request, response)
  }

  // Slow requests are cut off; Node's own limits are minutes.
  const timeouts = { requestTimeout: requestMsMax, headersTimeout: requestMsMax }
  return createServer({ ...timeouts, connectionsCheckingInterval: 500 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      process.stderr.write(`unexpected error: ${String(error)}\n`)
      if (response.headersSent) response.destroy()
      else sendProblem(response, 500, 'something went wrong here')
    })
  })
}

async function answerHealth(verifier: Verifier, response: ServerResponse): Promise<void> {
  // Until it has the issuer's keys and revocations: it would refuse too much. A feed that is lost
  // later is lost for every instance, and is no reason to take them all out of service.
  const isReady = await verifier.ready().then(
    () => true,
    () => false,
  )
  response
    .writeHead(isReady ? 200 : 503, { 'content-type': 'application/json' })
    .end(JSON.stringify({ status: isReady ? 'ok' : 'not ready' }))
}
