import type { AccessTokens } from './access-tokens.ts'
import type { IssuerAnswer, LostAnswer } from './issuer-request.ts'
import type { Target } from './refresh.ts'

export interface OwnerParts {
  readonly tokens: AccessTokens
  /** Which of the tokens is for the issuer alone; default one of its own. */
  readonly ownTarget?: Target
}

/** With a token for the issuer alone; with another one, once, if that is turned down. */
export async function askAsOwner(
  { tokens, ownTarget = 'issuer' }: OwnerParts,
  askWith: (bearer: string) => Promise<IssuerAnswer | LostAnswer>,
): Promise<IssuerAnswer | LostAnswer> {
  const bearer = await tokens.current(ownTarget)
  const answer = await askWith(bearer)
  // A wrong current password is a 401 as well, and no token mends that.
  const isTurnedDown =
    answer.kind === 'answer' && answer.status === 401 && answer.reason === 'invalid-token'
  return isTurnedDown ? askWith(await tokens.otherThan(bearer, ownTarget)) : answer
}
