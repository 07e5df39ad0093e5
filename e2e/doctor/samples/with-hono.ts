import { decode, verify } from 'hono/jwt'
import type { Trust } from '@portcullis/doctor'
import type { Sample } from './sample.ts'
import { pemOf, serviceFor } from './sample.ts'

type Algorithm = 'RS256' | ReturnType<typeof decode>['header']['alg']

async function verifyWith(
  alg: Algorithm,
  token: string,
  pem: string,
  { issuer, audience }: Trust,
): Promise<boolean> {
  const claims = await verify(token, pem, { alg, iss: issuer, aud: audience, typ: 'at+jwt' })
  // It checks exp where it is there.
  return claims.exp !== undefined
}

export const strongHono: Sample = async (trust) => {
  const pem = await pemOf(trust)
  return serviceFor((token) => verifyWith('RS256', token, pem, trust))
}

/** The token says how it is to be verified. */
export const anyAlgorithmWithHono: Sample = async (trust) => {
  const pem = await pemOf(trust)
  return serviceFor((token) => verifyWith(decode(token).header.alg, token, pem, trust))
}
