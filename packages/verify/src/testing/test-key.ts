import type { KeyObject } from 'node:crypto'
import type { AlgorithmName, PublicJwk } from '@portcullis/protocol/jws'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'

/** A key pair of the testing issuer, and the JWK that stands for it in the key set. */
export interface TestKey {
  readonly kid: string
  readonly algorithm: AlgorithmName
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  readonly jwk: PublicJwk
}

export function generateTestKey(algorithm: AlgorithmName): TestKey {
  const { publicKey, privateKey } = algorithmNamed(algorithm).generateKeyPair()
  const jwk = publicJwk(publicKey, algorithm)
  return { kid: jwk.kid, algorithm, publicKey, privateKey, jwk }
}
