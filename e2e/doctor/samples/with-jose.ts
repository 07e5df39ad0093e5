import type { JWTVerifyOptions } from 'jose'
import { createRemoteJWKSet, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from 'jose'
import type { Trust } from '@portcullis/doctor'
import type { Sample } from './sample.ts'
import { serviceFor } from './sample.ts'

function strongOptions({ issuer, audience, algorithm }: Trust): JWTVerifyOptions {
  return {
    issuer,
    audience,
    algorithms: [algorithm],
    typ: 'at+jwt',
    requiredClaims: ['exp', 'sub'],
  }
}

/** jose with everything that it can check. */
export const strongJose: Sample = (trust) => {
  const keys = createRemoteJWKSet(new URL(trust.jwks))
  return serviceFor(async (token) => {
    await jwtVerify(token, keys, strongOptions(trust))
    return true
  })
}

/** A key that rides in the token is preferred to that of the issuer. */
export const embeddedKeyWithJose: Sample = (trust) => {
  const keys = createRemoteJWKSet(new URL(trust.jwks))
  return serviceFor(async (token) => {
    const hasOwnKey = decodeProtectedHeader(token)['jwk'] !== undefined
    const options = strongOptions(trust)
    await (hasOwnKey ? jwtVerify(token, EmbeddedJWK, options) : jwtVerify(token, keys, options))
    return true
  })
}
