import { hkdfSync } from 'node:crypto'
import type { KeyProofJudge } from '@portcullis/verify/dpop'
import { createProofJudge } from '@portcullis/verify/dpop'
import type { UsedProofs } from './domain/used-proofs.ts'
import type { IdentitySettings } from './settings.ts'
import type { IdentitySecrets } from './settings/secrets.ts'

export interface OwnProofJudgeParts
  extends
    Pick<IdentitySettings, 'dpopNonce'>,
    Pick<IdentitySecrets, 'sealingKey' | 'previousSealingKey'> {
  readonly usedProofs: UsedProofs
  readonly now: () => number
}

const nonceKeyBytes = 32

/**
 * Identity judges proofs as every service does, with a memory of used ones that all nodes share. Nonces need
 * none: each node derives the same from the key that all of them have.
 */
export function createOwnProofJudge(parts: OwnProofJudgeParts): KeyProofJudge {
  const { usedProofs: replays, dpopNonce, sealingKey, previousSealingKey, now } = parts
  if (dpopNonce === 'off') return createProofJudge({ replays, now })
  // Nodes are behind or ahead while the key is rolled, and take the nonces of one another.
  const others = previousSealingKey === undefined ? [] : [nonceKeyOf(previousSealingKey)]
  const nonceKey = [nonceKeyOf(sealingKey), ...others] as const
  return createProofJudge({ replays, now, nonce: 'required', nonceKey })
}

/** RFC 5869; the label keeps it apart from whatever else the same key is for. */
function nonceKeyOf(sealingKey: Buffer): Uint8Array {
  const derived = hkdfSync('sha256', sealingKey, '', 'portcullis DPoP nonces', nonceKeyBytes)
  return new Uint8Array(derived)
}
