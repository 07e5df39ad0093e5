import { Buffer } from 'node:buffer'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'

/** Signs whatever octets it is given, by a key that an issuer publishes. */
export interface Signer {
  readonly issuer: string
  readonly verifier: Verifier
  /** What a valid header says. */
  readonly header: Readonly<Record<string, string>>
  /** What a valid payload says. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly token: (header: Octets, payload: Octets) => string
  readonly close: () => Promise<void>
}

type Octets = string | Buffer

export async function startSigner(algorithm: AlgorithmName, now: () => number): Promise<Signer> {
  const { generateKeyPair, sign } = algorithmNamed(algorithm)
  const { publicKey, privateKey } = generateKeyPair()
  const jwk = publicJwk(publicKey, algorithm)
  const testIssuer = await createTestIssuer({ algorithm, now })
  const { issuer } = testIssuer
  testIssuer.publish({ keys: [jwk] })
  const [, payload = ''] = testIssuer.mint().split('.')
  return {
    issuer,
    verifier: createVerifier({ issuer, audience: 'orders', revocation: 'untilExpiry', now }),
    header: { alg: algorithm, typ: 'at+jwt', kid: jwk.kid },
    claims: JSON.parse(Buffer.from(payload, 'base64url').toString()) as Signer['claims'],
    token: (...parts) => {
      const input = parts.map((octets) => Buffer.from(octets).toString('base64url')).join('.')
      return `${input}.${sign(privateKey, input).toString('base64url')}`
    },
    close: testIssuer.close,
  }
}
