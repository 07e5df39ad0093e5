import { createProblem } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import type { ClientFacts, NotDecided } from '../domain/client-administration.ts'
import type { DeclarationFault } from '../domain/client-declarations.ts'
import { instant } from './moments.ts'
import { sendOverruled, sendProblem } from './problems.ts'

/*
 * A client as administrators say it and are shown it. Never a secret, nor the hash of one.
 */

export function membersOf(client: ClientFacts): object {
  return {
    client_id: client.id,
    name: client.name,
    description: client.description,
    origin: client.origin,
    enabled: client.isEnabled,
    public: client.isPublic,
    authentication: authenticationOf(client),
    grants: client.grants,
    audiences: client.audiences,
    scopes: client.scopes,
    jwks: client.keys.length === 0 ? undefined : { keys: client.keys },
    created_at: instant(client.createdAt),
    secret_made_at: instant(client.secretMadeAt),
    former_secret_until: instant(client.formerSecretUntil),
  }
}

function authenticationOf({ isPublic, keys }: ClientFacts): string {
  if (isPublic) return 'none'
  return keys.length > 0 ? 'private_key_jwt' : 'client_secret'
}

export function refuseDecision(reply: FastifyReply, { kind }: NotDecided): FastifyReply {
  switch (kind) {
    case 'unknown':
      return sendProblem(reply, createProblem('not-found'))
    case 'superseded':
      return sendOverruled(reply)
    case 'declared': {
      const detail = 'the settings file says what this client is: change it there'
      return sendProblem(reply, createProblem('unknown-client', detail))
    }
  }
}

export function sendFaults(reply: FastifyReply, faults: readonly DeclarationFault[]): FastifyReply {
  const errors = faults.map(({ member, fault }) => ({ field: `/${member}`, message: fault }))
  return sendProblem(reply, createProblem('malformed', 'the client does not fit', errors))
}
