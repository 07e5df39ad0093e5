export type ParsedSecretKey =
  | { readonly kind: 'secret-key'; readonly key: Buffer }
  | { readonly kind: 'malformed'; readonly why: string }

const keyBytes = 32
/** 32 random bytes hold about 30 different ones; fewer than 16 is a pattern and not chance. */
const differentBytesMin = 16

/** Reads a secret key: 32 random bytes in base64 or base64url. Short and patterned keys are refused. */
export function parseSecretKey(text: string): ParsedSecretKey {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return malformed('is not base64')
  const key = Buffer.from(text, 'base64')
  if (key.length !== keyBytes) return malformed(`holds ${key.length} bytes instead of ${keyBytes}`)
  if (new Set(key).size < differentBytesMin) return malformed('is a pattern, not random')
  return { kind: 'secret-key', key }
}

function malformed(why: string): ParsedSecretKey {
  return { kind: 'malformed', why }
}
