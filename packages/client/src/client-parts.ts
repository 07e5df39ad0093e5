import type { OwnerParts } from './as-owner.ts'
import type { AskIssuer } from './issuer-request.ts'

/** What a client asks the issuer with, for the parts of this package that are imported by themselves. */
export interface ClientParts extends OwnerParts {
  readonly issuer: string
  readonly ask: AskIssuer
}

const partsOfClients = new WeakMap<object, ClientParts>()

export function keepParts(client: object, parts: ClientParts): void {
  partsOfClients.set(client, parts)
}

export function partsOf(client: object): ClientParts {
  const parts = partsOfClients.get(client)
  if (parts === undefined)
    throw new TypeError('the client must be one that createClient or createPageClient has made')
  return parts
}
