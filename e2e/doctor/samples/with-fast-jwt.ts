import { createVerifier } from 'fast-jwt'
import type { VerifierOptions } from 'fast-jwt'
import type { Trust } from '@portcullis/doctor'
import type { Sample } from './sample.ts'
import { pemOf, serviceFor } from './sample.ts'

function fastJwtService(changes: (trust: Trust) => Partial<VerifierOptions>): Sample {
  return async (trust) => {
    const verify = createVerifier({
      key: await pemOf(trust),
      algorithms: ['RS256'],
      allowedIss: trust.issuer,
      allowedAud: trust.audience,
      checkTyp: 'at+jwt',
      requiredClaims: ['iss', 'aud', 'exp', 'sub'],
      complete: true,
      ...changes(trust),
    })
    return serviceFor((token) => {
      const { header } = verify(token) as { readonly header: Readonly<Record<string, unknown>> }
      // Of what is no list it says nothing.
      return header['crit'] === undefined
    })
  }
}

export const strongFastJwt: Sample = fastJwtService(() => ({}))
export const anyAgeWithFastJwt: Sample = fastJwtService(() => ({ ignoreExpiration: true }))
/** A pattern that says how the issuer begins, and not where it ends. */
export const issuerPatternWithFastJwt: Sample = fastJwtService(({ issuer }) => ({
  allowedIss: new RegExp(issuer.replaceAll('.', '\\.')),
}))
