import { createHash } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import {
  judgeKeylessHeader,
  parseCompactJws,
  parsePublicKey,
  thumbprintOf,
} from '@portcullis/protocol/jws'
import type { PresentedProof, ProofClaims } from './proof-claims.ts'
import { proofClaimsFault, readProofClaims } from './proof-claims.ts'
import type { ProofFault } from './proof-fault.ts'
import { proofFaultDescriptions } from './proof-fault.ts'
import type { ProofJudgeOptions, ProofSettings } from './proof-options.ts'
import { parseProofOptions } from './proof-options.ts'

/** What became of the proof of one request. */
export type JudgedProof =
  | {
      readonly kind: 'proven'
      /** The nonce to send along as `DPoP-Nonce`, when that of the proof will soon be too old. */
      readonly nextNonce: string | undefined
    }
  | RefusedProof
  /** The proof is good except for its nonce: 401 `use_dpop_nonce` with this one as `DPoP-Nonce`. */
  | { readonly kind: 'use-nonce'; readonly nonce: string }
  /** Whether the proof was used before cannot be told, so it does not count: 503. */
  | { readonly kind: 'unavailable'; readonly cause: unknown }

/** A proof that does not count. */
export interface RefusedProof {
  readonly kind: 'refused'
  readonly why: ProofFault
  /** What the client is told. No part of proof or token is in it. */
  readonly description: string
}

/** What the option `dpop` of a verifier takes. */
export interface ProofJudge {
  readonly judge: (presented: PresentedProof) => Promise<JudgedProof>
  /** What proofs may be signed with; for `algs` in challenges. */
  readonly algorithms: readonly AlgorithmName[]
}

/** The `typ` of a proof (RFC 9449 section 4.2). */
export const proofType = 'dpop+jwt'

/**
 * Builds the judge of DPoP proofs at a service (RFC 9449 sections 4.3 and 7). A proof is one compact
 * JWS, signed by the key that the token is bound to, for this method, URL and token, made just now
 * and not used before. Whether it was used before is asked last, so that only the holder of the key
 * can fill the store.
 *
 * Does NOT verify the access token, and does NOT look at the body or the query of the request, which no
 * proof covers. Throws a TypeError that names the option when one is unknown or wrong.
 */
export function createProofJudge(options: ProofJudgeOptions = {}): ProofJudge {
  const settings = parseProofOptions(options)
  const { algorithms, nonces, replays } = settings

  async function judge(presented: PresentedProof): Promise<JudgedProof> {
    const signed = readSignedProof(presented, algorithms)
    if (signed.kind === 'refused') return signed
    const proof = readProofClaims(signed.payload)
    if (proof === undefined) return refused('malformed-claims')
    const fault = proofClaimsFault(proof, presented, settings)
    if (fault !== undefined) return refused(fault)

    const nonce = nonces?.current()
    if (nonce !== undefined && nonces?.accepts(proof.nonce) !== true) {
      return { kind: 'use-nonce', nonce }
    }
    try {
      // Unknown: a store of somebody's own may answer anything.
      const isFirst: unknown = await replays.use(
        replayKeyOf(presented.thumbprint, proof.jti),
        forgettableAtMs(proof, settings),
      )
      if (isFirst !== true) return refused('replayed')
    } catch (cause) {
      return { kind: 'unavailable', cause }
    }
    return { kind: 'proven', nextNonce: nonce === proof.nonce ? undefined : nonce }
  }

  const names = Object.freeze([...algorithms.values()].map(({ name }) => name))
  return Object.freeze({ judge, algorithms: names })
}

type SignedProof = { readonly kind: 'signed'; readonly payload: JsonObject } | RefusedProof

/** Form, header, key and signature, in this order; the claims of a forged proof are not looked at. */
function readSignedProof(
  { proofs, thumbprint }: PresentedProof,
  algorithms: ProofSettings['algorithms'],
): SignedProof {
  const [proof, ...others] = proofs
  if (proof === undefined) return refused('missing-proof')
  if (others.length > 0) return refused('several-proofs')
  const jws = parseCompactJws(proof)
  if (jws.kind === 'malformed') return refused('malformed')

  // A proof brings its key along, so it need not name it.
  const header = judgeKeylessHeader(jws.header, { typ: proofType, algorithms })
  if (header.kind === 'refused') return refused(header.why)
  const { algorithm } = header
  const key = parsePublicKey(jws.header['jwk'], algorithm)
  if (key.kind === 'unusable') return refused('unusable-key')
  if (thumbprintOf(key.publicKey) !== thumbprint) return refused('wrong-key')
  if (!algorithm.verify(key.publicKey, jws.signingInput, jws.signature)) {
    return refused('bad-signature')
  }
  return { kind: 'signed', payload: jws.payload }
}

/** The holder of the key, and what it has named the proof. A thumbprint has one length. */
function replayKeyOf(thumbprint: string, jti: string): string {
  return `${thumbprint}.${createHash('sha256').update(jti).digest('base64url')}`
}

/** Replicas that share a store may judge by clocks that are a leeway apart. */
function forgettableAtMs({ iat }: ProofClaims, settings: ProofSettings): number {
  return (iat + settings.maxAgeSeconds + settings.leewaySeconds) * 1000
}

function refused(why: ProofFault): RefusedProof {
  return { kind: 'refused', why, description: proofFaultDescriptions[why] }
}
