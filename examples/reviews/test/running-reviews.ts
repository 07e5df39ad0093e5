import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { TokenWatch } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createApp } from '../src/app.ts'
import { openReviewBook } from '../src/review-book.ts'
import type { FeedLimits, ReviewFeed } from '../src/review-feed.ts'
import { createReviewFeed } from '../src/review-feed.ts'

/** The service on a real socket, with a real issuer whose tokens the test chooses. */
export interface RunningReviews {
  readonly issuer: TestIssuer
  readonly feed: ReviewFeed
  /** How many tokens are watched at the moment. */
  readonly watched: () => number
  readonly origin: string
  /** A token for this service; members replace its own. */
  readonly mint: (claims?: Readonly<Record<string, unknown>>) => string
  /** Sends the document as a GraphQL request of its own media type. */
  readonly ask: (query: string, token?: string, more?: More) => Promise<Answer>
  /** Adds a review as this author and answers its id. */
  readonly add: (author: string, item: string, text?: string) => Promise<string>
}

/** Takes the place of what `ask` would send. */
export interface More {
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: GraphQLBody
}

/** Both forms that an answer has: a GraphQL result and a problem document. */
export interface GraphQLBody {
  readonly data?: Readonly<Record<string, unknown>> | null
  readonly errors?: readonly {
    readonly message: string
    readonly extensions?: Readonly<Record<string, unknown>>
  }[]
  readonly status?: number
  readonly code?: string
}

export const graphqlPath = '/reviews/graphql'

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-reviews-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  return folder
}

export async function startReviews(
  t: TestContext,
  limits: Partial<FeedLimits> = {},
): Promise<RunningReviews> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'reviews',
    leewaySeconds: 0,
  })
  const watches = new Set<TokenWatch>()
  const feed = createReviewFeed(
    {
      watch: (auth) => {
        const watch = verifier.watch(auth)
        const counted = {
          signal: watch.signal,
          close: () => {
            watches.delete(counted)
            watch.close()
          },
        }
        watches.add(counted)
        return counted
      },
    },
    limits,
  )
  const reviews = openReviewBook(join(temporaryFolder(t), 'reviews.db'))
  const server = createApp(verifier, reviews, feed).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    feed.close()
    server.close()
    server.closeAllConnections()
    await verifier.close()
    await issuer.close()
    reviews.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const mint: RunningReviews['mint'] = (claims = {}) =>
    issuer.mint({ aud: 'reviews', scope: 'reviews:write', ...claims })
  const askHere: RunningReviews['ask'] = (query, token, more) => ask(origin, query, token, more)
  return {
    issuer,
    feed,
    watched: () => watches.size,
    origin,
    mint,
    ask: askHere,
    add: async (author, item, text = 'fine') => {
      const [sub, spelled] = [author, JSON.stringify({ item, text }).slice(1, -1)]
      const fields = spelled.replaceAll(/"(item|text)":/g, '$1: ')
      const query = `mutation { addReview(stars: 5, ${fields}) { id } }`
      const { body } = await askHere(query, mint({ sub }))
      const added = body.data?.['addReview'] as { readonly id: string } | undefined
      assert.ok(added, JSON.stringify(body))
      return added.id
    },
  }
}

/** The request that `ask` sends, with `more` over it. */
export function graphqlRequest(query: string, token?: string, more: More = {}): RequestInit {
  return {
    method: 'POST',
    body: JSON.stringify({ query }),
    ...more,
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...more.headers,
    },
  }
}

async function ask(
  origin: string,
  query: string,
  token: string | undefined,
  more: More | undefined,
): Promise<Answer> {
  const answer = await fetch(`${origin}${graphqlPath}`, graphqlRequest(query, token, more))
  const body = (await answer.json()) as GraphQLBody
  return { status: answer.status, headers: answer.headers, body }
}

export function assertProblem({ status, headers, body }: Answer, expected: number): void {
  assert.equal(status, expected, JSON.stringify(body))
  assert.match(String(headers.get('content-type')), /^application\/problem\+json\b/)
  assert.equal(body.status, expected)
  assert.equal(body.data, undefined)
}

export function codesOf({ errors = [] }: GraphQLBody): readonly unknown[] {
  return errors.map(({ extensions }) => extensions?.['code'])
}
