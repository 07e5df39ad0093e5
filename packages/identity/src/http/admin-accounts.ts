import { createProblem } from '@portcullis/runtime'
import type { FromSchema } from 'json-schema-to-ts'
import type { AccountDirectory, AccountFilter, ListedAccount } from '../domain/account-directory.ts'
import type { AccountStore, Decision } from '../domain/accounts.ts'
import { parseIdentifier } from '../domain/accounts.ts'
import { foldCase } from '../domain/case-folding.ts'
import { accountPath, decisionBody, identifierText } from './body-fields.ts'
import { namePattern } from '../domain/registry.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant, momentText, parseMoment } from './moments.ts'
import { limitOf, longPageLimit, nextMember, pageCursor, parseCursor } from './page-queries.ts'
import { sendLastAdministrator, sendOverruled, sendProblem, sendUnfit } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminAccountsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly accounts: Pick<AccountStore, 'block' | 'unblock'>
  readonly directory: AccountDirectory
}

const flag = { enum: ['true', 'false'] } as const
const listQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    identifier: identifierText,
    identifier_prefix: identifierText,
    role: { type: 'string', pattern: namePattern },
    blocked: flag,
    unconfirmed: flag,
    created_after: momentText,
    created_before: momentText,
    limit: longPageLimit,
    after: pageCursor,
  },
} as const
type ListQuery = FromSchema<typeof listQuery>

/** What an administrator may do to an account. Every change is kept with who made it and why. */
export function addAdminAccounts(app: HttpServer, parts: AdminAccountsParts): void {
  const { issuer, callers, accounts, directory } = parts
  const at = (route: string): string => pathAtIssuer(issuer, `/admin/accounts${route}`)
  const decision = { schema: { params: accountPath, body: decisionBody } }

  app.get(at(''), { schema: { querystring: listQuery } }, async (request, reply) => {
    await callers.requireAdministrator(request)
    const { query } = request
    for (const name of ['created_after', 'created_before'] as const) {
      const text = query[name]
      if (text !== undefined && parseMoment(text) === undefined) {
        return sendUnfit(reply, name, 'is not a moment')
      }
    }
    const filter = filterOf(query)
    if (filter === undefined) return { accounts: [] }
    const after = parseCursor(query.after)
    const { accounts: page, next } = await directory.list(filter, {
      limit: limitOf(query),
      after: after && { createdAt: after.at, id: after.id },
    })
    return {
      accounts: page.map(membersOf),
      ...nextMember(next && { at: next.createdAt, id: next.id }),
    }
  })

  app.get(at('/:id'), { schema: { params: accountPath } }, async (request, reply) => {
    await callers.requireAdministrator(request)
    const found = await directory.find(request.params.id)
    if (found === undefined) return sendProblem(reply, createProblem('not-found'))
    return { ...membersOf(found), last_login_at: instant(found.lastLoginAt) }
  })

  app.post(at('/:id/block'), decision, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const decided: Decision = { accountId: request.params.id, actor, ...request.body }
    const outcome = await accounts.block(decided)
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'last-administrator') return sendLastAdministrator(reply)
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.info(
      { event: 'authz_admin', accountId: decided.accountId, actor: actor.accountId },
      'account blocked',
    )
    return reply.send({ revocation: outcome.position })
  })

  app.post(at('/:id/unblock'), decision, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const decided: Decision = { accountId: request.params.id, actor, ...request.body }
    const outcome = await accounts.unblock(decided)
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.info(
      { event: 'authz_admin', accountId: decided.accountId, actor: actor.accountId },
      'account unblocked',
    )
    return reply.code(204).send()
  })
}

/** Undefined when nothing can be called so. */
function filterOf(query: ListQuery): AccountFilter | undefined {
  const parsed = query.identifier === undefined ? undefined : parseIdentifier(query.identifier)
  if (parsed?.kind === 'malformed') return undefined
  return {
    identifier: parsed?.identifier,
    identifierPrefix: query.identifier_prefix && foldCase(query.identifier_prefix),
    role: query.role,
    isBlocked: query.blocked && query.blocked === 'true',
    isUnconfirmed: query.unconfirmed && query.unconfirmed === 'true',
    createdAfter: momentOf(query.created_after),
    createdBefore: momentOf(query.created_before),
  }
}

function momentOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseMoment(text)
}

function membersOf(account: ListedAccount): object {
  const { id, identifier, email, roles, attributes } = account
  return {
    id,
    identifier,
    email,
    email_verified: account.isEmailVerified,
    roles,
    attributes,
    blocked: account.isBlocked,
    unconfirmed: account.isUnconfirmed,
    created_at: instant(account.createdAt),
  }
}
