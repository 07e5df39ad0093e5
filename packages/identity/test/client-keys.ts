import { randomUUID } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'
import { assertionType } from '../src/http/client-authentication.ts'
import { startMs } from './chosen-clock.ts'

/** A client's own key, as the client holds it. */
export interface ClientKey {
  readonly kid: string
  readonly jwk: JsonObject
  /** Signs anything as a compact JWS: members of the header that are undefined are left out. */
  readonly sign: (header: object, payload: object) => string
}

export function createClientKey(name: AlgorithmName = 'EdDSA'): ClientKey {
  const algorithm = algorithmNamed(name)
  const { publicKey, privateKey } = algorithm.generateKeyPair()
  const jwk = publicJwk(publicKey, name)
  const { kid } = jwk
  return {
    kid,
    jwk,
    sign: (header, payload) => {
      const input = `${encoded({ alg: name, kid, ...header })}.${encoded(payload)}`
      return `${input}.${algorithm.sign(privateKey, input).toString('base64url')}`
    },
  }
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** The claims of a good assertion at the chosen time; those that are undefined are left out. */
export function assertionClaims(client: string, more: object = {}, nowMs = startMs): object {
  const now = Math.floor(nowMs / 1000)
  const names = { iss: client, sub: client, aud: 'https://id.example' }
  return { ...names, jti: randomUUID(), iat: now, nbf: now, exp: now + 60, ...more }
}

/** The parameters of a form (RFC 7523 section 2.2). */
export function assertionForm(assertion: string): Readonly<Record<string, string>> {
  return { client_assertion_type: assertionType, client_assertion: assertion }
}
