import type { KeyObject } from 'node:crypto'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { KeyLine } from './key-life.ts'

/**
 * Keeps private keys elsewhere: in a KMS, an HSM, another process. Without one they are in the database,
 * sealed. Every signature is verified with the public half before anything that was signed is used.
 */
export interface KeyVault {
  /** Makes a new key pair. No two calls may answer the same one. */
  readonly generate: (line: KeyLine) => VaultedKey | Promise<VaultedKey>
  /**
   * Signs as the algorithm has it in a JWS (RFC 7518 section 3, RFC 8037): for ES256 that is r and s joined,
   * 64 bytes and no DER; for PS256 with a salt of 32 bytes. It is also asked for text that is no JWS, to see
   * whether a key is at hand.
   */
  readonly sign: (key: KeptKey, signingInput: Uint8Array) => Uint8Array | Promise<Uint8Array>
}

export interface VaultedKey {
  readonly publicKey: KeyObject
  /** What the store keeps in place of a private key, in the clear: its name, or the key as the vault has wrapped it. */
  readonly kept: string
}

/** Whatever a vault needs to find a key again. */
export interface KeptKey {
  readonly kept: string
  readonly algorithm: AlgorithmName
}
