/**
 * Under which the issuer recognises a refresh that is sent once more: 128 random bits in base64url. Another one, and it
 * may be a thief's.
 */
export function newAttempt(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const base64 = btoa(String.fromCharCode(...bytes))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
