import type { JsonObject } from '@portcullis/protocol'

/** A SHA-256 digest in base64url. */
const thumbprintForm = /^[A-Za-z0-9_-]{43}$/

/**
 * The thumbprint of the key that a token is bound to (`cnf.jkt`, RFC 9449 section 6.1). Undefined
 * when the confirmation is empty, has another form or has members beside it: what is not understood
 * confirms nothing (RFC 7800 section 3.1), so such a token is refused, with or without a proof.
 */
export function boundThumbprint(cnf: JsonObject): string | undefined {
  const [[name, thumbprint] = [], ...others] = Object.entries(cnf)
  if (name !== 'jkt' || others.length > 0) return undefined
  return typeof thumbprint === 'string' && thumbprintForm.test(thumbprint) ? thumbprint : undefined
}
