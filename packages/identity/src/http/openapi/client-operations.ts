import { instant, revoked, text } from './answers.ts'
import type { Operations } from './operation.ts'
import { listOf, named, objectOf } from './operation.ts'

const revocation = named('RevocationPosition')
const secret = { ...text, description: 'shown here alone, and never again' } as const

/** What administrators decide about clients. The hash of a secret is in no answer. */
export const clientOperations: Operations = {
  'GET /admin/clients': {
    id: 'listClients',
    tag: 'Administration: clients',
    summary: 'Every client, by name',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of them, with `next` when there are more',
        schema: objectOf({ clients: listOf(named('Client')) }, { next: text }),
      },
    },
  },
  'GET /admin/clients/:id': {
    id: 'getClient',
    tag: 'Administration: clients',
    summary: 'Look at one client',
    caller: 'administrator',
    answers: { 200: { description: 'The client', schema: named('Client') } },
    problems: ['not-found'],
  },
  'POST /admin/clients': {
    id: 'createClient',
    tag: 'Administration: clients',
    summary: 'Make a client: with a secret, with keys of its own, or public',
    caller: 'administrator',
    answers: {
      201: {
        description: 'Made; with a secret unless it is public or has keys',
        schema: objectOf({ client_id: text, name: text }, { client_secret: secret }),
      },
    },
    problems: ['identifier-taken', 'superseded'],
  },
  'PATCH /admin/clients/:id': {
    id: 'changeClient',
    tag: 'Administration: clients',
    summary: 'Change what a client may ask for, or its keys; what is not named stays',
    caller: 'administrator',
    answers: { 200: { description: 'As it is now', schema: named('ChangedClient') } },
    problems: ['not-found', 'superseded', 'unknown-client'],
  },
  'POST /admin/clients/:id/rotate-secret': {
    id: 'rotateClientSecret',
    tag: 'Administration: clients',
    summary: 'Give a client another secret, and let the present one be good for a while',
    caller: 'administrator',
    answers: {
      200: {
        description: 'The new secret',
        schema: objectOf(
          { client_id: text, client_secret: secret },
          { former_secret_until: instant, revocation },
        ),
      },
    },
    problems: ['not-found', 'superseded', 'unknown-client', 'too-early'],
  },
  'POST /admin/clients/:id/revoke-tokens': {
    id: 'revokeClientTokens',
    tag: 'Administration: clients',
    summary: 'End every token that a client was given; it may ask for others',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded', 'unknown-client'],
  },
  'POST /admin/clients/:id/disable': {
    id: 'disableClient',
    tag: 'Administration: clients',
    summary: 'End every token of a client, and give it no more',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded', 'unknown-client'],
  },
  'POST /admin/clients/:id/enable': {
    id: 'enableClient',
    tag: 'Administration: clients',
    summary: 'Let a client ask for tokens again',
    caller: 'administrator',
    answers: {
      200: { description: 'It may', schema: objectOf({}) },
    },
    problems: ['not-found', 'superseded', 'unknown-client'],
  },
  'DELETE /admin/clients/:id': {
    id: 'deleteClient',
    tag: 'Administration: clients',
    summary: 'Delete a client for good, with its tokens and sessions; its name is free then',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded', 'unknown-client'],
  },
}
