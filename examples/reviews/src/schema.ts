import type { ServerResponse } from 'node:http'
import type { Auth } from '@portcullis/verify'
import { hasRole } from '@portcullis/verify'
import type { AuthContext } from '@portcullis/verify/graphql'
import type { GraphQLSchema } from 'graphql'
import { GraphQLError } from 'graphql'
import { createSchema } from 'graphql-yoga'
import type { AccessTable } from './access.ts'
import {
  anybody,
  either,
  guardSchema,
  nullExceptFor,
  only,
  role,
  scope,
  signedIn,
  subjectIn,
} from './access.ts'
import { checkNewReview } from './new-review.ts'
import type { Review, ReviewBook } from './review-book.ts'
import type { ReviewFeed } from './review-feed.ts'

const typeDefs = /* GraphQL */ `
  type Query {
    "The newest hundred. Removed ones are among them for a moderator alone."
    reviews(item: String!): [Review!]!
    "The caller's own, removed ones included."
    myReviews: [Review!]!
  }

  type Mutation {
    addReview(item: String!, stars: Int!, text: String!): Review!
    removeReview(id: ID!): Review!
  }

  type Subscription {
    "What is added from now on, of one item or of all. Ends when the token of its subscriber does."
    reviewAdded(item: String): Review!
  }

  type Review {
    id: ID!
    item: String!
    stars: Int!
    text: String!
    createdAt: String!
    "'yours' and 'removed', where it is so."
    flags: [String!]!
    "Who wrote it; null for everybody but the author and a moderator."
    author: ID
    "Which moderator removed it; null for everybody but a moderator."
    removedBy: ID
  }
`

/**
 * Who may have what. A field that is not listed keeps the service from starting.
 *
 * Operations that are not allowed are errors; fields of a review that are not for the caller are null,
 * so that one query serves everybody and a list of a hundred is not an answer with a hundred errors.
 */
const access: AccessTable = {
  'Query.reviews': anybody,
  'Query.myReviews': only(signedIn),
  'Mutation.addReview': only(scope('reviews:write')),
  'Mutation.removeReview': only(role('moderator')),
  'Subscription.reviewAdded': only(signedIn),
  'Review.id': anybody,
  'Review.item': anybody,
  'Review.stars': anybody,
  'Review.text': anybody,
  'Review.createdAt': anybody,
  'Review.flags': anybody,
  'Review.author': nullExceptFor(either(subjectIn('author'), role('moderator'))),
  'Review.removedBy': nullExceptFor(role('moderator')),
}

/** Beside what Yoga puts there: who calls, and where the answer goes. */
interface Context extends AuthContext {
  readonly res: ServerResponse
}

export function createReviewsSchema(reviews: ReviewBook, feed: ReviewFeed): GraphQLSchema {
  const Query = {
    reviews: (_root: unknown, { item }: { item: string }, { auth }: Context) =>
      reviews.ofItem(item, isModerator(auth) ? 'removed too' : 'shown'),
    myReviews: (_root: unknown, _none: unknown, { auth }: Context) =>
      reviews.ofAuthor(subjectOf(auth)),
  }
  const Mutation = {
    addReview: (
      _root: unknown,
      given: Pick<Review, 'item' | 'stars' | 'text'>,
      { auth }: Context,
    ) => {
      checkNewReview(given)
      const review = reviews.add({ ...given, author: subjectOf(auth) })
      feed.publish(review)
      return review
    },
    removeReview: (_root: unknown, { id }: { id: string }, { auth }: Context) => {
      const removed = reviews.remove(id, subjectOf(auth))
      if (removed !== undefined) return removed
      throw new GraphQLError('no such review', { extensions: { code: 'NOT_FOUND' } })
    },
  }
  const Subscription = {
    reviewAdded: {
      subscribe: (_root: unknown, { item }: { item?: string | null }, context: Context) =>
        feed.follow(item ?? undefined, caller(context.auth), context.res),
      resolve: (review: Review) => review,
    },
  }
  const Review = {
    flags: ({ author, removedBy }: Review, _none: unknown, { auth }: Context) => [
      ...(author === auth?.claims.sub ? ['yours'] : []),
      ...(removedBy === null ? [] : ['removed']),
    ],
  }
  const resolvers = { Query, Mutation, Subscription, Review }
  return guardSchema(createSchema<Context>({ typeDefs, resolvers }), access)
}

function isModerator(auth: Auth | undefined): boolean {
  return auth !== undefined && hasRole(auth, 'moderator')
}

function subjectOf(auth: Auth | undefined): string {
  return caller(auth).claims.sub
}

/** Behind a rule that wants somebody signed in. Throws when the table has lost that rule. */
function caller(auth: Auth | undefined): Auth {
  if (auth !== undefined) return auth
  throw new TypeError('a field that needs a caller is open to anybody')
}
