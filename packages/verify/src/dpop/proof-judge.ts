import type { JsonObject } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import {
  judgeKeylessHeader,
  parseCompactJws,
  parsePublicKey,
  thumbprintOf,
} from '@portcullis/protocol/jws'
import type { PresentedProof, PresentedRequestProof, ProvenToken } from './proof-claims.ts'
import { digestOf, proofClaimsFault, readProofClaims } from './proof-claims.ts'
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
  | NonceWanted
  /** Whether the proof was used before cannot be told, so it does not count: 503. */
  | { readonly kind: 'unavailable'; readonly cause: unknown }

/** The proof is good except for its nonce: `use_dpop_nonce` with this one as `DPoP-Nonce`. */
export interface NonceWanted {
  readonly kind: 'use-nonce'
  readonly nonce: string
}

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

/** What becomes of a proof before it is used. */
export type ExaminedProof =
  | {
      readonly kind: 'good'
      /** Of the key that has signed it (RFC 7638). */
      readonly thumbprint: string
      /** Whether it was used before is asked here, and it is used then: once, and nowhere else. */
      readonly use: () => Promise<JudgedProof>
    }
  | RefusedProof
  | NonceWanted

/** For an issuer, which learns from a proof what key it is to bind a token to. */
export interface KeyProofJudge extends ProofJudge {
  /**
   * Judges the proof of a request that presents no access token (RFC 9449 section 5); `ath` is not looked at.
   * Does NOT look for it among used ones: `use` it when whoever sent it has shown who they are, so that nobody
   * else can fill the store.
   */
  readonly examine: (presented: PresentedRequestProof) => ExaminedProof
  /** What the next proof has to carry; undefined when no nonce is wanted. */
  readonly nonce: () => string | undefined
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
export function createProofJudge(options: ProofJudgeOptions = {}): KeyProofJudge {
  const settings = parseProofOptions(options)
  const { algorithms, nonces, replays } = settings

  function look(presented: PresentedRequestProof, token?: ProvenToken): ExaminedProof {
    const signed = readSignedProof(presented, token, algorithms)
    if (signed.kind === 'refused') return signed
    const { thumbprint } = signed
    const proof = readProofClaims(signed.payload)
    if (proof === undefined) return refused('malformed-claims')
    const fault = proofClaimsFault(proof, presented, token, settings)
    if (fault !== undefined) return refused(fault)

    const nonce = nonces?.current()
    if (nonce !== undefined && nonces?.accepts(proof.nonce) !== true) {
      return { kind: 'use-nonce', nonce }
    }
    const use = async (): Promise<JudgedProof> => {
      try {
        // The holder of the key, and what it has named the proof: a thumbprint has one length.
        const key = `${thumbprint}.${digestOf(proof.jti)}`
        // Replicas that share a store may judge by clocks that are a leeway apart.
        const untilMs = (proof.iat + settings.maxAgeSeconds + settings.leewaySeconds) * 1000
        // Unknown: a store of somebody's own may answer anything.
        const isFirst: unknown = await replays.use(key, untilMs)
        if (isFirst !== true) return refused('replayed')
      } catch (cause) {
        return { kind: 'unavailable', cause }
      }
      return { kind: 'proven', nextNonce: nonce === proof.nonce ? undefined : nonce }
    }
    return { kind: 'good', thumbprint, use }
  }

  const names = Object.freeze([...algorithms.values()].map(({ name }) => name))
  return Object.freeze({
    judge: async (presented: PresentedProof) => {
      const examined = look(presented, presented)
      return examined.kind === 'good' ? examined.use() : examined
    },
    examine: (presented: PresentedRequestProof) => look(presented),
    nonce: () => nonces?.current(),
    algorithms: names,
  })
}

type SignedProof =
  | { readonly kind: 'signed'; readonly payload: JsonObject; readonly thumbprint: string }
  | RefusedProof

/** Form, header, key and signature, in this order; the claims of a forged proof are not looked at. */
function readSignedProof(
  { proofs }: PresentedRequestProof,
  token: ProvenToken | undefined,
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
  const thumbprint = thumbprintOf(key.publicKey)
  if (token !== undefined && token.thumbprint !== thumbprint) return refused('wrong-key')
  if (!algorithm.verify(key.publicKey, jws.signingInput, jws.signature)) {
    return refused('bad-signature')
  }
  return { kind: 'signed', payload: jws.payload, thumbprint }
}

function refused(why: ProofFault): RefusedProof {
  return { kind: 'refused', why, description: proofFaultDescriptions[why] }
}
