import { createHash } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { ClientDeclaration } from './registry.ts'
import type { TokenMarks } from './token-marks.ts'

export interface Client extends ClientDeclaration {
  /** The store's clock from before this was read: see `mintAccessToken`. */
  readonly readAt: number
  /** For a token that is minted by this reading alone: see `mintAccessToken`. */
  readonly vouchedAt: number
  /** Issuer-chosen and random: the `client_id` of tokens. */
  readonly id: string
  /** The display name, which requests may use in the id's place. */
  readonly name: string
  readonly secretHash: string | undefined
  /** Of the secret before, as long as it is good beside the present one. */
  readonly formerSecretHash: string | undefined
  /** Public JWKs. A client has a secret or keys, and a public one neither. */
  readonly keys: readonly JsonObject[]
  /** Goes up whenever tokens already issued to this client must die (protocol, section 5). */
  readonly generation: number
}

export interface ClientStore {
  /**
   * Finds an enabled client by its id or its name. With the marks of an access token also undefined when that
   * token was taken back by itself.
   */
  readonly find: (idOrName: string, foundBy?: TokenMarks) => Promise<Client | undefined>
}

/** Client secrets are 256 random bits, so a fast hash is enough: there is nothing to guess. */
export function hashClientSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
