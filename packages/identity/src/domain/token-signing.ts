import type { SignAccessToken } from './access-tokens.ts'
import type { Keyring } from './keyring.ts'
import { hasKeyPair } from './registry.ts'
import type { SharedSecrets } from './shared-secrets.ts'
import { signWithSharedSecret } from './shared-secrets.ts'
import type { EncryptToken } from './token-encryption.ts'

export interface TokenSignerParts {
  readonly keyring: Pick<Keyring, 'sign' | 'firstReady'>
  /** Undefined when no audience asks for HS256. */
  readonly sharedSecrets: SharedSecrets | undefined
  readonly encrypt: EncryptToken
}

/**
 * Signs as the audiences of a token want it: with the first of their algorithms that is ready, and then
 * encrypted to the key that they have registered.
 */
export function createTokenSigner(parts: TokenSignerParts): SignAccessToken {
  const { keyring, sharedSecrets, encrypt } = parts
  return async (claims, { algorithms, encryption }) => {
    const pairs = algorithms.filter(hasKeyPair)
    // HS256 is never beside another: the file would be mistaken.
    const [secret] = pairs.length === 0 ? (sharedSecrets ?? []) : []
    const signed =
      secret === undefined
        ? await keyring.sign(claims, keyring.firstReady(pairs))
        : signWithSharedSecret(claims, secret)
    return encryption === undefined ? signed : encrypt(signed, encryption)
  }
}
