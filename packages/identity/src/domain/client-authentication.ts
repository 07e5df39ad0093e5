import { timingSafeEqual } from 'node:crypto'
import type { ClientAssertion } from './client-assertions.ts'
import { judgeAssertion, readAssertion } from './client-assertions.ts'
import type { Client, ClientStore } from './clients.ts'
import { hashClientSecret } from './clients.ts'
import type { UsedProofs } from './used-proofs.ts'

export interface ClientAuthenticationParts {
  readonly issuer: string
  readonly clients: ClientStore
  readonly usedProofs: Pick<UsedProofs, 'use'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** How a client shows who it is. */
export type ClientCredential =
  | { readonly clientId: string; readonly clientSecret: string }
  /** A JWT that its own key has signed (RFC 7523 section 2.2); it says itself whose it is. */
  | { readonly assertion: string; readonly clientId?: string | undefined }

/** Finds the client whose credential this is. Unknown client and wrong credential are one answer. */
export function authenticateClient(
  parts: ClientAuthenticationParts,
  credential: ClientCredential,
): Promise<Client | undefined> {
  return 'assertion' in credential
    ? findByAssertion(parts, credential)
    : findBySecret(parts.clients, credential)
}

async function findBySecret(
  clients: ClientStore,
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
): Promise<Client | undefined> {
  const client = await clients.find(clientId)
  const presented = Buffer.from(hashClientSecret(clientSecret))
  // Both comparisons are made for everybody, unknown clients too, so that all take the same time.
  const matches = [client?.secretHash, client?.formerSecretHash].map((hash) => {
    const stored = Buffer.from(hash ?? unmatchableHash)
    return presented.length === stored.length && timingSafeEqual(presented, stored)
  })
  return matches.includes(true) ? client : undefined
}

/** As long as a real hash, and not in the alphabet of one. */
const unmatchableHash = '!'.repeat(43)

async function findByAssertion(
  { issuer, clients, usedProofs, now }: ClientAuthenticationParts,
  {
    assertion: text,
    clientId,
  }: { readonly assertion: string; readonly clientId?: string | undefined },
): Promise<Client | undefined> {
  const assertion = readAssertion(text)
  if (assertion === undefined || !namesClient(assertion, clientId)) return undefined
  const client = await clients.find(assertion.subject)
  if (client === undefined) return undefined
  const use = judgeAssertion(assertion, client, { issuer, nowSeconds: now() / 1000 })
  if (use === undefined) return undefined
  // Last, so that only the holder of the key fills the store.
  return (await usedProofs.use(use.key, use.untilMs)) ? client : undefined
}

/** RFC 7521 section 4.2: a `client_id` beside the assertion names the same client. */
function namesClient({ subject }: ClientAssertion, clientId: string | undefined): boolean {
  return clientId === undefined || clientId === subject
}
