import type { JWTVerifyOptions } from 'jose'
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  EmbeddedJWK,
  errors,
  jwtVerify,
} from 'jose'
import type { Trust } from '@portcullis/doctor'
import type { Refuse, Sample } from './sample.ts'
import { refuseProperly, serviceFor } from './sample.ts'

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
export const strongJose: Sample = (trust) => joseService(trust, {})

/** Without the kind of the token. */
export const anyTypeWithJose: Sample = (trust) => joseService(trust, { typ: undefined })

/** exp is checked where it is there. */
export const noExpiryWithJose: Sample = (trust) => joseService(trust, { requiredClaims: [] })

/** Refuses as many do. */
export const noChallengeWithJose: Sample = (trust) =>
  joseService(trust, {}, (response) => void response.writeHead(401).end('Unauthorized'))

/** Helps whoever has to find out why. */
export const tellingTokenWithJose: Sample = (trust) =>
  joseService(trust, {}, (response, error, token) => {
    const challenge = 'Bearer error="invalid_token"'
    response.writeHead(401, { 'www-authenticate': challenge })
    const code = error instanceof errors.JOSEError ? error.code : undefined
    response.end(JSON.stringify({ code, token }))
  })

/** For a content delivery network in front. */
export const cacheableWithJose: Sample = (trust) =>
  joseService(trust, {}, refuseProperly, { 'cache-control': 'public, max-age=60' })

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

const patienceMs = 500

/** Several issuers without a list of them: whoever the token names is asked for its keys. */
export const anyIssuerWithJose: Sample = (trust) =>
  serviceFor(async (token) => {
    const { iss = '' } = decodeJwt(token)
    const url = `${iss}/.well-known/openid-configuration`
    const metadata = (await (
      await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    ).json()) as { readonly jwks_uri: string }
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
    await jwtVerify(token, keys, { ...strongOptions(trust), issuer: iss })
    return true
  })

function joseService(
  trust: Trust,
  changes: { readonly [Name in keyof JWTVerifyOptions]?: JWTVerifyOptions[Name] | undefined },
  refuse: Refuse = refuseProperly,
  headers: Readonly<Record<string, string>> = {},
): ReturnType<typeof serviceFor> {
  const keys = createRemoteJWKSet(new URL(trust.jwks))
  const changed = Object.entries({ ...strongOptions(trust), ...changes })
  const options = Object.fromEntries(changed.filter(([, value]) => value !== undefined))
  return serviceFor(
    async (token) => {
      await jwtVerify(token, keys, options)
      return true
    },
    refuse,
    headers,
  )
}
