import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { TokenRecipe } from '@portcullis/verify/testing'
import { untilApplied } from '@portcullis/verify/testing'
import type { IssuerAnswer, IssuerQuestion } from './issuer-process.ts'
import { otherCore } from './pinning.ts'
import { startWorker } from './worker.ts'

/** One of each kind; every library knows at least the first. */
export type MeasuredAlgorithm = Extract<AlgorithmName, 'RS256' | 'ES256' | 'EdDSA'>

/** The testing issuer, in a process of its own: what it does costs the contestants nothing. */
export interface Issuer {
  readonly issuer: string
  readonly algorithm: MeasuredAlgorithm
  readonly jwk: SignatureJwk
  readonly publicKey: KeyObject
  readonly mint: (count: number) => Promise<readonly string[]>
  readonly forge: (recipes: readonly TokenRecipe[]) => Promise<readonly string[]>
  /** A verifier of ours that has read the snapshot and follows the stream. */
  readonly follow: () => Promise<Verifier>
  /** A verifier of ours that has the keys and follows nothing. */
  readonly trustUntilExpiry: () => Promise<Verifier>
  /** Takes something back and waits until this verifier knows. */
  readonly revokeOne: (follower: Verifier) => Promise<void>
  /** Takes the session of this token back. */
  readonly revokeSessionOf: (token: string) => Promise<void>
  readonly revokeEvery: (ms: number) => Promise<void>
  readonly end: () => Promise<void>
}

export interface SignatureJwk {
  readonly kid: string
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly [member: string]: unknown
}

export const audience = 'orders'

export async function startIssuer(
  algorithm: MeasuredAlgorithm,
  revocations: number,
): Promise<Issuer> {
  const worker = startWorker<IssuerQuestion, IssuerAnswer>({
    file: 'issuer-process.ts',
    parameters: [algorithm],
    core: otherCore,
  })
  const { issuer } = await worker.ask({ kind: 'address' })
  const jwk = await keyOf(issuer)
  await worker.ask({ kind: 'revoke', count: revocations })

  async function revokeOne(follower: Verifier): Promise<void> {
    const { position } = await worker.ask({ kind: 'revoke', count: 1 })
    if (position === undefined) throw new Error('nothing was revoked')
    await untilApplied(follower, position)
  }

  return {
    issuer,
    algorithm,
    jwk,
    publicKey: createPublicKey({ key: jwk, format: 'jwk' }),
    mint: async (count) => (await worker.ask({ kind: 'mint', count })).tokens,
    forge: async (recipes) => (await worker.ask({ kind: 'forge', recipes })).tokens,
    follow: async () => {
      const verifier = createVerifier({ issuer, audience })
      await verifier.ready()
      // The snapshot is older than this one, so when it is known the stream is open.
      await revokeOne(verifier)
      return verifier
    },
    trustUntilExpiry: async () => {
      const verifier = createVerifier({ issuer, audience, revocation: 'untilExpiry' })
      await verifier.ready()
      return verifier
    },
    revokeOne,
    revokeSessionOf: async (token) => {
      const [, payload = ''] = token.split('.')
      const { sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string }
      await worker.ask({ kind: 'revoke-session', sid })
    },
    revokeEvery: async (ms) => void (await worker.ask({ kind: 'revoke-on', everyMs: ms })),
    end: worker.end,
  }
}

async function keyOf(issuer: string): Promise<SignatureJwk> {
  const response = await fetch(`${issuer}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { readonly keys: readonly SignatureJwk[] }
  const [jwk] = keys
  if (jwk === undefined) throw new Error('the issuer publishes no key')
  return jwk
}
