import jsonwebtoken from 'jsonwebtoken'
import type { JwtPayload, VerifyOptions } from 'jsonwebtoken'
import type { Trust } from '@portcullis/doctor'
import type { Sample } from './sample.ts'
import { pemOf, serviceFor } from './sample.ts'

const { decode, verify } = jsonwebtoken

function strongOptions({ issuer, audience }: Trust): VerifyOptions {
  return { issuer, audience, algorithms: ['RS256'] }
}

/** What the library leaves to its callers: the kind of the token, crit, and that there is an exp. */
function checkRest(token: string): boolean {
  const { header, payload } = decode(token, { complete: true }) ?? {}
  const { exp } = (payload ?? {}) as JwtPayload
  return (
    header?.typ?.toLowerCase().replace(/^application\//, '') === 'at+jwt' &&
    header.crit === undefined &&
    exp !== undefined
  )
}

export const strongJsonwebtoken: Sample = async (trust) => {
  const pem = await pemOf(trust)
  return serviceFor((token) => {
    verify(token, pem, strongOptions(trust))
    return checkRest(token)
  })
}

/** The name is near, and the types fit. */
export const decodedWithJsonwebtoken: Sample = () =>
  serviceFor((token) => {
    const payload = decode(token)
    return typeof payload === 'object' && payload !== null && (payload.exp ?? 0) > Date.now() / 1000
  })

export const anyAudienceWithJsonwebtoken: Sample = async (trust) => {
  const pem = await pemOf(trust)
  const { audience: _audience, ...options } = strongOptions(trust)
  return serviceFor((token) => {
    verify(token, pem, options)
    return checkRest(token)
  })
}
