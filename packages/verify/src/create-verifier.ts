import { createIssuerVerifier } from './issuer-verifier.ts'
import type { VerifierOptions } from './options.ts'
import { composeVerifiers } from './several-issuers.ts'
import type { SeveralVerifiers, Verifier } from './verifier.ts'

/**
 * Builds a verifier for the tokens of one issuer to one audience, or of several issuers to the same
 * audience. Nothing is fetched yet, and only `keySetFile` is read; a feed is followed from the first `ready()` or `verify()` on, until
 * `close()`. Throws a TypeError that names the option when one is unknown, missing or wrong.
 */
export function createVerifier<Own = undefined>(
  options: readonly VerifierOptions<Own>[],
): SeveralVerifiers<Own>
export function createVerifier<Own = undefined>(options: VerifierOptions<Own>): Verifier<Own>
export function createVerifier<Own>(
  options: VerifierOptions<Own> | readonly VerifierOptions<Own>[],
): Verifier<Own> | SeveralVerifiers<Own> {
  if (typeof Promise.withResolvers !== 'function') {
    throw new Error('@portcullis/verify needs Node 22.12 or later')
  }
  return isList(options)
    ? composeVerifiers(options.map((one) => createIssuerVerifier(one)))
    : createIssuerVerifier(options)
}

/** `Array.isArray` does not tell a list that is read-only. */
function isList<Own>(
  value: VerifierOptions<Own> | readonly VerifierOptions<Own>[],
): value is readonly VerifierOptions<Own>[] {
  return Array.isArray(value)
}
