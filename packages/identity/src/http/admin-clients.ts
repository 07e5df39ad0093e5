import type { JsonObject } from '@portcullis/protocol'
import { createProblem } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import type { ClientAdministration, ClientCreationParts } from '../domain/client-administration.ts'
import { createClient } from '../domain/client-administration.ts'
import { declarationFaults } from '../domain/client-declarations.ts'
import type { ParsedClientKeys } from '../domain/client-keys.ts'
import { parseClientKeys } from '../domain/client-keys.ts'
import { grantNames, namePattern } from '../domain/registry.ts'
import { accountPath, reasonText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { membersOf, refuseDecision, sendFaults } from './client-members.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { limitOf, longPageLimit } from './page-queries.ts'
import { sendOverruled, sendProblem, sendUnfit } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminClientsParts extends ClientCreationParts {
  readonly issuer: string
  readonly callers: Callers
  readonly clientAdministration: ClientAdministration
}

/** As in the operator's file. */
const clientName = { type: 'string', pattern: namePattern } as const

const clientMembers = {
  description: { anyOf: [{ type: 'string', minLength: 1, maxLength: 500 }, { type: 'null' }] },
  grants: { type: 'array', minItems: 1, uniqueItems: true, items: { enum: grantNames } },
  audiences: {
    type: 'array',
    maxItems: 64,
    uniqueItems: true,
    items: { type: 'string', minLength: 1, maxLength: 64 },
  },
  scopes: {
    type: 'array',
    maxItems: 64,
    uniqueItems: true,
    items: { type: 'string', minLength: 1, maxLength: 128 },
  },
  // Read by `parseClientKeys`.
  jwks: { type: 'object' },
} as const

const pageQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { name: clientName, limit: longPageLimit, after: clientName },
} as const

const creationBody = {
  type: 'object',
  required: ['name', 'grants'],
  additionalProperties: false,
  properties: {
    ...clientMembers,
    name: clientName,
    public: { type: 'boolean' },
    reason: reasonText,
  },
} as const

const changeBody = {
  type: 'object',
  required: ['reason'],
  additionalProperties: false,
  properties: { ...clientMembers, reason: reasonText },
} as const

/** Clients as they are, as they are made, and what they may ask for. Every change is kept with who and why. */
export function addAdminClients(app: HttpServer, parts: AdminClientsParts): void {
  addReading(app, parts)
  addCreation(app, parts)
  addChange(app, parts)
}

function at(parts: { readonly issuer: string }, route: string): string {
  return pathAtIssuer(parts.issuer, `/admin/clients${route}`)
}

function addReading(app: HttpServer, parts: AdminClientsParts): void {
  const { callers, clientAdministration } = parts
  app.get(at(parts, ''), { schema: { querystring: pageQuery } }, async (request) => {
    await callers.requireAdministrator(request)
    const { query } = request
    const { clients, next } = await clientAdministration.list({
      limit: limitOf(query),
      after: query.after,
      name: query.name,
    })
    return { clients: clients.map(membersOf), next }
  })

  app.get(at(parts, '/:id'), { schema: { params: accountPath } }, async (request, reply) => {
    await callers.requireAdministrator(request)
    const client = await clientAdministration.read(request.params.id)
    if (client === undefined) return sendProblem(reply, createProblem('not-found'))
    return reply.send(membersOf(client))
  })
}

function addCreation(app: HttpServer, parts: AdminClientsParts): void {
  const { callers } = parts
  app.post(at(parts, ''), { schema: { body: creationBody } }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const { body } = request
    const { name, grants, audiences = [], scopes = [], public: isPublic = false, reason } = body
    const keys = keysIn(body.jwks)
    if (keys?.kind === 'unfit') return sendUnfit(reply, 'jwks', keys.fault)
    if (isPublic && keys !== undefined) return sendUnfit(reply, 'jwks', 'is not for public clients')
    const outcome = await createClient(parts, {
      name,
      description: body.description ?? undefined,
      isPublic,
      grants,
      audiences,
      scopes,
      keys: keys?.keys,
      actor,
      reason,
    })
    if (outcome.kind === 'taken') return sendNameTaken(reply, name)
    if (outcome.kind === 'unfit') return sendFaults(reply, outcome.faults)
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    const { id, secret } = outcome
    request.log.info(
      { event: 'authz_admin', clientId: id, actor: actor.accountId },
      'client created',
    )
    // As OAuth answers secrets (RFC 7591 section 3.2.1).
    reply.header('cache-control', 'no-store')
    return reply.code(201).send({ client_id: id, client_secret: secret, name })
  })
}

function sendNameTaken(reply: FastifyReply, name: string): FastifyReply {
  return sendProblem(reply, createProblem('identifier-taken', `there is a client ${name} already`))
}

function addChange(app: HttpServer, parts: AdminClientsParts): void {
  const { callers, registry, clientAdministration } = parts
  const schema = { params: accountPath, body: changeBody }
  app.patch(at(parts, '/:id'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const clientId = request.params.id
    const { reason, jwks, ...named } = request.body
    const keys = keysIn(jwks)
    if (keys?.kind === 'unfit') return sendUnfit(reply, 'jwks', keys.fault)
    const outcome = await clientAdministration.change(
      { clientId, actor, reason },
      keys === undefined ? named : { ...named, keys: keys.keys },
      (client) => declarationFaults(registry, client),
    )
    if (outcome.kind === 'unfit') return sendFaults(reply, outcome.faults)
    if (outcome.kind === 'no-keys')
      return sendUnfit(reply, 'jwks', 'is not what it authenticates by')
    if (outcome.kind !== 'changed') return refuseDecision(reply, outcome)
    request.log.info({ event: 'authz_admin', clientId, actor: actor.accountId }, 'client changed')
    return reply.send({ ...membersOf(outcome.client), revocation: outcome.position })
  })
}

/** Bodies come from our own parser, which makes JSON and nothing else. */
function keysIn(jwks: object | undefined): ParsedClientKeys | undefined {
  return jwks === undefined ? undefined : parseClientKeys(jwks as JsonObject)
}
