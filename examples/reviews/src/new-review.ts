import { GraphQLError } from 'graphql'
import type { Review } from './review-book.ts'

const itemLengthMax = 200
const textLengthMax = 2000
const starsMax = 5

/** GraphQL has checked the types. Throws a GraphQLError that names everything that does not fit. */
export function checkNewReview({
  item,
  stars,
  text,
}: Pick<Review, 'item' | 'stars' | 'text'>): void {
  const mistakes = [
    ...(isLength(item, itemLengthMax) ? [] : [`item must have 1 to ${itemLengthMax} characters`]),
    ...(stars >= 1 && stars <= starsMax ? [] : [`stars must be from 1 to ${starsMax}`]),
    ...(isLength(text, textLengthMax) ? [] : [`text must have 1 to ${textLengthMax} characters`]),
  ]
  if (mistakes.length === 0) return
  throw new GraphQLError(mistakes.join('; '), { extensions: { code: 'BAD_USER_INPUT' } })
}

function isLength(text: string, max: number): boolean {
  return text.trim() !== '' && text.length <= max
}
