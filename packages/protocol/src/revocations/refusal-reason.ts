/**
 * Why a follower has refused a token, as it tells the issuer (docs/feed-format.md). A release that refuses for a new
 * reason adds it here; an issuer counts those that it does not know as `other`.
 */
const reasons = [
  'malformed',
  'wrong-type',
  'algorithm-not-allowed',
  'unsupported-extension',
  'missing-key-id',
  'unknown-key',
  'key-does-not-fit',
  'bad-signature',
  'key-withdrawn',
  'malformed-claims',
  'wrong-issuer',
  'wrong-audience',
  'revoked',
  'stale',
  'expired',
  'not-yet-valid',
  'lives-too-long',
  'bound-to-a-key',
  'not-bound-to-a-key',
  'unfit-own-claims',
] as const

export type RefusalReason = (typeof reasons)[number]

const known: ReadonlySet<string> = new Set(reasons)

export function isRefusalReason(text: string): text is RefusalReason {
  return known.has(text)
}
