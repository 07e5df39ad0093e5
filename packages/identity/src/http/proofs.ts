import { rawFieldValues, VerifyError } from '@portcullis/verify'
import type { PresentedRequest } from '@portcullis/verify'
import type { ExaminedProof, KeyProofJudge } from '@portcullis/verify/dpop'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RefusedMint } from '../domain/access-tokens.ts'
import type { ExamineProof, RefusedProof, ShownProof } from '../domain/proofs.ts'
import { noProof, refusalOfUse } from '../domain/proofs.ts'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import { sendVerifyError } from './problems.ts'

export interface ProofParts {
  readonly issuer: string
  readonly proofJudge: KeyProofJudge
}

/**
 * What proofs and tokens are judged by. The URL is that of the issuer, whatever `Host` says: whoever sends a
 * request chooses that.
 */
export function presentedRequest(
  issuer: string,
  { raw, method }: FastifyRequest,
): PresentedRequest {
  const target = raw.url ?? ''
  return {
    method,
    url: target.startsWith('/') ? `${new URL(issuer).origin}${target}` : undefined,
    fieldValues: rawFieldValues(raw.rawHeaders),
  }
}

/** The proof of a key that a request for tokens brings along (RFC 9449 section 5). */
export function examinerOf(
  { issuer, proofJudge }: ProofParts,
  request: FastifyRequest,
): ExamineProof {
  const { method, url, fieldValues } = presentedRequest(issuer, request)
  const proofs = fieldValues('dpop')
  if (proofs.length === 0) return noProof
  return () => shownProof(proofJudge.examine({ proofs, method, url }))
}

function shownProof(examined: ExaminedProof): ShownProof {
  switch (examined.kind) {
    case 'good': {
      const { thumbprint, use } = examined
      return { kind: 'shown', key: { thumbprint, useProof: () => isFirstUse(use) } }
    }
    case 'refused':
      return { kind: 'refused', why: 'bad-proof', detail: examined.description }
    case 'use-nonce':
      return {
        kind: 'refused',
        why: 'nonce-wanted',
        detail: 'the proof needs a nonce of the issuer',
      }
  }
}

async function isFirstUse(
  use: Extract<ExaminedProof, { readonly kind: 'good' }>['use'],
): Promise<boolean> {
  const used = await use()
  if (used.kind !== 'unavailable') return used.kind === 'proven'
  const { cause } = used
  throw new StoreUnavailableError('whether a proof was used before cannot be told', { cause })
}

/** Why there is no token for want of a proof. */
export type ProofRefusal = RefusedProof['why'] | 'proof-required'

export function isProofRefusal(why: string): why is ProofRefusal {
  return proofRefusals.has(why)
}

const proofRefusals: ReadonlySet<string> = new Set<ProofRefusal>([
  'bad-proof',
  'nonce-wanted',
  'proof-required' satisfies RefusedMint['why'],
])

/** The refusal outside the OAuth endpoints, with the challenge that a service would answer. */
export function proofError(
  { issuer: realm, proofJudge }: ProofParts,
  why: ProofRefusal,
  detail = '',
): VerifyError {
  const { algorithms: dpopAlgorithms, nonce } = proofJudge
  return why === 'nonce-wanted'
    ? new VerifyError('use-dpop-nonce', detail, { realm, dpopAlgorithms, dpopNonce: nonce() })
    : new VerifyError('invalid-dpop-proof', detail, { realm, dpopAlgorithms })
}

export function sendProofRefusal(
  reply: FastifyReply,
  parts: ProofParts,
  { why, detail }: { readonly why: ProofRefusal; readonly detail?: string | undefined },
): FastifyReply {
  return sendVerifyError(reply, proofError(parts, why, detail))
}

/**
 * The key that a request proves beside a token that was judged already; undefined for none. The proof is used
 * up. Throws a `VerifyError` when it does not count.
 */
export async function keyProved(
  parts: ProofParts,
  request: FastifyRequest,
): Promise<string | undefined> {
  const proof = examinerOf(parts, request)()
  const refusal = proof.kind === 'refused' ? proof : await refusalOfUse(proof.key)
  if (refusal !== undefined) throw proofError(parts, refusal.why, refusal.detail)
  return proof.kind === 'shown' ? proof.key?.thumbprint : undefined
}

/**
 * Whoever sends a proof hears what the next one has to carry (RFC 9449 section 8.2), so that only the first is
 * sent twice. Not on what caches keep: a nonce in them would be an old one.
 */
export function tellNonces(app: FastifyInstance, { nonce }: Pick<KeyProofJudge, 'nonce'>): void {
  if (nonce() === undefined) return
  app.addHook('onSend', async ({ headers }, reply) => {
    const isKept = String(reply.getHeader('cache-control') ?? '').startsWith('public')
    if (headers['dpop'] !== undefined && !isKept) reply.header('dpop-nonce', nonce())
  })
}
