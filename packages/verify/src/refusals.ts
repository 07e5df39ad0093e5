import { accessTokenType } from '@portcullis/protocol'
import type { TokenFault } from './access-token.ts'
import type { KeysUnavailable } from './issuer/back-off.ts'
import { VerifyError } from './verify-error.ts'

// What callers are told about a token that is not let in, in words without any part of it.

const descriptions: Readonly<Record<TokenFault, string>> = {
  malformed: 'the token is no JWT of three parts or cannot be decrypted here',
  'wrong-type': `the typ of the token is not ${accessTokenType}`,
  'algorithm-not-allowed': 'the algorithm of the token is not allowed',
  'unsupported-extension': 'the token asks for a JWS extension that is not supported',
  'missing-key-id': 'the token names no key',
  'unknown-key': 'the key of the token is not one of the issuer',
  'key-does-not-fit': 'the key of the token is for another algorithm',
  'bad-signature': 'the signature of the token is wrong',
  'key-withdrawn': 'the key of the token was withdrawn by the issuer',
  'malformed-claims': 'a claim of the token is missing or has a wrong form',
  'wrong-issuer': 'the token is from another issuer',
  'wrong-audience': 'the token is for another audience',
  revoked: 'the token was revoked',
  stale: 'nobody has vouched for the token recently; refresh it',
  expired: 'the token has expired',
  'not-yet-valid': 'the token is not valid yet',
  'lives-too-long': 'the token lives longer than is believed here',
  'bound-to-a-key': 'the token is bound to a key and cannot be used without a proof of it',
  'not-bound-to-a-key': 'the token is bound to no key and cannot be used under the scheme DPoP',
  'unfit-own-claims': 'the claims of the token are not what this service needs',
}

export function invalidToken(reason: TokenFault, realm: string): VerifyError {
  return new VerifyError('invalid-token', descriptions[reason], { reason, realm })
}

/** The names of registered claims are no secret. */
export function malformedClaim(claim: string, realm: string): VerifyError {
  const description = `the claim ${claim} of the token is missing or has a wrong form`
  return new VerifyError('invalid-token', description, { reason: 'malformed-claims', realm })
}

/** `paths` name the claims, as `tenant.id`; none for the claims as a whole. */
export function unfitOwnClaims(paths: readonly string[], realm: string): VerifyError {
  const reason = 'unfit-own-claims'
  const where = paths.filter((path) => path !== '').join(', ')
  const description = descriptions[reason] + (where === '' ? '' : `: ${where}`)
  return new VerifyError('invalid-token', description, { reason, realm })
}

export function keysUnavailable({ why, retryAfterSeconds }: KeysUnavailable): VerifyError {
  const description = 'the keys of the issuer cannot be had at the moment'
  const cause = new Error(why)
  return new VerifyError('keys-unavailable', description, { retryAfterSeconds, cause })
}
