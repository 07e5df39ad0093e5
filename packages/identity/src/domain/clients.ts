import { createHash, timingSafeEqual } from 'node:crypto'
import type { ClientDeclaration } from './registry.ts'

export interface Client extends ClientDeclaration {
  /** The store's clock from before this was read: see `mintAccessToken`. */
  readonly readAt: number
  /** Issuer-chosen and random: the `client_id` of tokens. */
  readonly id: string
  /** The display name, which requests may use in the id's place. */
  readonly name: string
  readonly secretHash: string | undefined
  /** Goes up whenever tokens already issued to this client must die (protocol, section 5). */
  readonly generation: number
}

export interface ClientStore {
  /** Finds an enabled client by its id or its name. */
  readonly find: (idOrName: string) => Promise<Client | undefined>
}

export interface ClientCredential {
  readonly clientId: string
  readonly clientSecret: string
}

/** Client secrets are 256 random bits, so a fast hash is enough: there is nothing to guess. */
export function hashClientSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** Finds the client whose secret this is. Unknown client and wrong secret are one answer. */
export async function authenticateClient(
  clients: ClientStore,
  credential: ClientCredential,
): Promise<Client | undefined> {
  const client = await clients.find(credential.clientId)
  const presented = Buffer.from(hashClientSecret(credential.clientSecret))
  const stored = Buffer.from(client?.secretHash ?? unmatchableHash)
  // The comparison is made for unknown clients too, so that both take the same time.
  const matches = presented.length === stored.length && timingSafeEqual(presented, stored)
  return matches ? client : undefined
}

/** As long as a real hash, and not in the alphabet of one. */
const unmatchableHash = '!'.repeat(43)
