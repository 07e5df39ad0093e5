import jws from 'jws'
import type { Trust } from '@portcullis/doctor'
import type { Sample } from './sample.ts'
import { pemOf, serviceFor } from './sample.ts'

type Members = Readonly<Record<string, unknown>>

/** jws below jsonwebtoken wants to be told the algorithm, and the token says one. */
export const anyAlgorithmWithJws: Sample = async (trust) => {
  const pem = await pemOf(trust)
  return serviceFor((token) => {
    const { header, payload } = jws.decode(token) ?? { header: {}, payload: '{}' }
    const { alg: algorithm } = header
    if (typeof algorithm !== 'string') return false
    if (algorithm === 'none' || !jws.verify(token, algorithm, pem)) return false
    return isFit(header, JSON.parse(payload) as Members, trust)
  })
}

function isFit(
  { typ, crit }: Members,
  { iss, aud, exp, nbf = 0 }: Members,
  { issuer, audience }: Trust,
): boolean {
  const now = Date.now() / 1000
  return (
    typeof typ === 'string' &&
    typ.toLowerCase().replace(/^application\//, '') === 'at+jwt' &&
    crit === undefined &&
    iss === issuer &&
    [aud].flat().includes(audience) &&
    typeof exp === 'number' &&
    exp > now &&
    typeof nbf === 'number' &&
    nbf <= now
  )
}
