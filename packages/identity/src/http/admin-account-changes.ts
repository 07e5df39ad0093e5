import type { JsonObject } from '@portcullis/protocol'
import { createProblem, pointerToMember } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import type { CreationOutcome, CreationParts } from '../domain/account-creation.ts'
import { createAccount } from '../domain/account-creation.ts'
import { changeProfile, forceReset } from '../domain/invitations.ts'
import {
  applyAttributeChanges,
  attributesTooLarge,
  parseAttributeChanges,
} from '../domain/attributes.ts'
import { parseEmailAddress } from '../domain/email-addresses.ts'
import type { Registry } from '../domain/registry.ts'
import { attributesInClaims, unknownRoles } from '../domain/registry.ts'
import {
  accountPath,
  decisionBody,
  emailText,
  identifierText,
  passwordText,
  reasonText,
  roleNames,
} from './body-fields.ts'
import { accountFaultText } from './account-faults.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import {
  sendBusy,
  sendLastAdministrator,
  sendMailBusy,
  sendOverruled,
  sendProblem,
  sendUnfit,
} from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminAccountChangesParts extends CreationParts {
  readonly issuer: string
  readonly callers: Callers
  readonly registry: Registry
}

/** Read by `parseAttributeChanges`. */
const anyMembers = { type: 'object' } as const

const creationBody = {
  type: 'object',
  required: ['identifier'],
  additionalProperties: false,
  properties: {
    identifier: identifierText,
    password: passwordText,
    email: emailText,
    roles: roleNames,
    attributes: anyMembers,
    reason: reasonText,
  },
} as const

const rolesBody = {
  type: 'object',
  required: ['roles', 'reason'],
  additionalProperties: false,
  properties: { roles: roleNames, reason: reasonText },
} as const

const profileBody = {
  type: 'object',
  required: ['reason'],
  additionalProperties: false,
  properties: {
    attributes: anyMembers,
    email: { anyOf: [emailText, { type: 'null' }] },
    reason: reasonText,
  },
} as const

/** Accounts that an administrator makes, changes and deletes. Every change is kept with who and why. */
export function addAdminAccountChanges(app: HttpServer, parts: AdminAccountChangesParts): void {
  addCreation(app, parts)
  addRoles(app, parts)
  addProfile(app, parts)
  addEndings(app, parts)
}

function at(parts: { readonly issuer: string }, route: string): string {
  return pathAtIssuer(parts.issuer, `/admin/accounts${route}`)
}

function addCreation(app: HttpServer, parts: AdminAccountChangesParts): void {
  const { callers, registry } = parts
  app.post(at(parts, ''), { schema: { body: creationBody } }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const { roles = [], attributes: given, ...named } = request.body
    const parsed = parseAttributeChanges(attributesIn(given))
    if (parsed.kind === 'malformed') return sendBadAttribute(reply, parsed)
    const attributes = applyAttributeChanges({}, parsed.changes)
    if (attributes === undefined) return sendUnfit(reply, 'attributes', attributesTooLarge)
    const unknown = unknownRoles(registry, roles)
    if (unknown.length > 0) return sendUnknownRoles(reply, unknown)
    const outcome = await createAccount(parts, { ...named, roles, attributes, actor })
    if (outcome.kind !== 'created') return refuseCreation(reply, outcome)
    const { id, identifier } = outcome
    request.log.info(
      { event: 'authz_admin', accountId: id, actor: actor.accountId },
      'account created',
    )
    return reply.code(201).send({ id, identifier })
  })
}

function refuseCreation(
  reply: FastifyReply,
  outcome: Exclude<CreationOutcome, { readonly kind: 'created' }>,
): FastifyReply {
  switch (outcome.kind) {
    case 'superseded':
      return sendOverruled(reply)
    case 'taken':
      return sendProblem(reply, createProblem('identifier-taken'))
    case 'unfit':
      return sendUnfit(reply, outcome.field, accountFaultText(outcome.fault))
    case 'busy':
      return sendBusy(reply, outcome.retryAfterSeconds)
    case 'mail-busy':
      return sendMailBusy(reply, outcome.retryAfterSeconds)
    case 'no-email': {
      const detail = 'without a password there must be an address to send a link to'
      return sendProblem(reply, createProblem('no-email', detail))
    }
    case 'mail-unavailable':
      return sendProblem(reply, createProblem('mail-unavailable', 'give a password'))
  }
}

function addRoles(app: HttpServer, parts: AdminAccountChangesParts): void {
  const { callers, registry, administration } = parts
  const schema = { params: accountPath, body: rolesBody }
  app.post(at(parts, '/:id/roles'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const accountId = request.params.id
    const { roles, reason } = request.body
    const unknown = unknownRoles(registry, roles)
    if (unknown.length > 0) return sendUnknownRoles(reply, unknown)
    const outcome = await administration.setRoles({ accountId, actor, reason }, roles)
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'last-administrator') return sendLastAdministrator(reply)
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.info({ event: 'authz_admin', accountId, actor: actor.accountId }, 'roles changed')
    return reply.send({ roles, revocation: outcome.position })
  })
}

function addProfile(app: HttpServer, parts: AdminAccountChangesParts): void {
  const { callers, registry } = parts
  const inClaims = attributesInClaims(registry)
  const schema = { params: accountPath, body: profileBody }
  app.patch(at(parts, '/:id'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const accountId = request.params.id
    const { attributes: given, email, reason } = request.body
    const parsed = parseAttributeChanges(attributesIn(given))
    if (parsed.kind === 'malformed') return sendBadAttribute(reply, parsed)
    const address = typeof email === 'string' ? parseEmailAddress(email) : undefined
    if (address?.kind === 'malformed')
      return sendUnfit(reply, 'email', accountFaultText(address.fault))
    const outcome = await changeProfile(parts, {
      accountId,
      actor,
      reason,
      attributes: parsed.changes,
      email: address?.address ?? (email === null ? null : undefined),
      attributesInClaims: inClaims,
    })
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'attributes-too-large') {
      return sendUnfit(reply, 'attributes', attributesTooLarge)
    }
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    if (outcome.kind === 'mail-busy') return sendMailBusy(reply, outcome.retryAfterSeconds)
    request.log.info({ event: 'authz_admin', accountId, actor: actor.accountId }, 'account changed')
    const { attributes, position } = outcome
    return reply.send({ attributes, email: outcome.email, revocation: position })
  })
}

function addEndings(app: HttpServer, parts: AdminAccountChangesParts): void {
  const { callers, administration } = parts
  const schema = { params: accountPath, body: decisionBody }

  app.post(at(parts, '/:id/logout'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const decision = { accountId: request.params.id, actor, ...request.body }
    const outcome = await administration.logOut(decision)
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.info(
      { event: 'authz_admin', accountId: decision.accountId, actor: actor.accountId },
      'all sessions ended',
    )
    return reply.send({ revocation: outcome.position })
  })

  app.post(at(parts, '/:id/reset'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const decision = { accountId: request.params.id, actor, ...request.body }
    const outcome = await forceReset(parts, decision)
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    if (outcome.kind === 'mail-busy') return sendMailBusy(reply, outcome.retryAfterSeconds)
    if (outcome.kind === 'no-email') {
      const detail = 'the account has no address that a link could be sent to'
      return sendProblem(reply, createProblem('no-email', detail))
    }
    if (outcome.kind !== 'reset') return sendProblem(reply, createProblem(outcome.kind))
    request.log.info(
      { event: 'authz_admin', accountId: decision.accountId, actor: actor.accountId },
      'password reset forced',
    )
    return reply.send({ revocation: outcome.position })
  })

  app.delete(at(parts, '/:id'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const decision = { accountId: request.params.id, actor, ...request.body }
    const outcome = await administration.delete(decision)
    if (outcome.kind === 'last-administrator') return sendLastAdministrator(reply)
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    if (outcome.kind !== 'deleted') return sendProblem(reply, createProblem('not-found'))
    request.log.info(
      { event: 'authz_admin', accountId: decision.accountId, actor: actor.accountId },
      'account deleted',
    )
    return reply.send({ revocation: outcome.position })
  })
}

/** Bodies come from our own parser, which makes JSON and nothing else. */
function attributesIn(given: object | undefined): JsonObject {
  return (given ?? {}) as JsonObject
}

function sendUnknownRoles(reply: FastifyReply, unknown: readonly string[]): FastifyReply {
  const errors = unknown.map((role) => ({ field: '/roles', message: `${role} is not known` }))
  return sendProblem(
    reply,
    createProblem('unknown-role', `not known: ${unknown.join(', ')}`, errors),
  )
}

function sendBadAttribute(
  reply: FastifyReply,
  { name, why }: { readonly name: string; readonly why: string },
): FastifyReply {
  const field = pointerToMember('/attributes', name)
  const errors = [{ field, message: why }]
  return sendProblem(reply, createProblem('malformed', 'an attribute does not fit', errors))
}
