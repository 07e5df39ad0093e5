import type { FieldError, JsonObject } from '@portcullis/protocol'
import type { FastifyRequest } from 'fastify'
import type { FromSchema } from 'json-schema-to-ts'
import type {
  FitAccount,
  FittingParts,
  GivenAccount,
  ImportOutcome,
  ImportParts,
  Mistaken,
} from '../domain/account-import.ts'
import { fitAccount, importAccounts, rehearseImport } from '../domain/account-import.ts'
import { accountFaultText } from './account-faults.ts'
import { emailText, identifierText, reasonText, roleNames } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { fieldErrorOf, fieldErrorsMax, sendOverruled } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminAccountImportParts extends ImportParts, FittingParts {
  readonly issuer: string
  readonly callers: Callers
}

/** More would not fit into a body, and would hold locks for longer than a login should wait. */
const accountsMax = 100

const importBody = {
  type: 'object',
  required: ['accounts'],
  additionalProperties: false,
  properties: {
    // Each is looked at by itself: the mistake of one keeps no other out.
    accounts: { type: 'array', minItems: 1, maxItems: accountsMax, items: { type: 'object' } },
    dry_run: { type: 'boolean' },
    reason: reasonText,
  },
} as const

const accountSchema = {
  type: 'object',
  required: ['identifier', 'password_hash'],
  additionalProperties: false,
  properties: {
    identifier: identifierText,
    password_hash: { type: 'string', minLength: 1, maxLength: 512 },
    email: emailText,
    email_verified: { type: 'boolean' },
    roles: roleNames,
    attributes: { type: 'object' },
    blocked: { type: 'boolean' },
  },
} as const

/** Accounts of another system with their hashes, in groups: `portcullis accounts import` sends them. */
export function addAdminAccountImport(app: HttpServer, parts: AdminAccountImportParts): void {
  const path = pathAtIssuer(parts.issuer, '/admin/accounts/import')
  app.post(path, { schema: { body: importBody } }, async (request, reply) => {
    const actor = await parts.callers.requireAdministrator(request)
    const { accounts, dry_run: isDryRun = false, reason } = request.body
    const candidates = accounts.map((account) => candidateOf(parts, request, account))
    if (isDryRun) return reply.send(answerOf(await rehearseImport(parts, candidates)))
    const imported = await importAccounts(parts, candidates, { actor, reason })
    if (imported.kind === 'superseded') return sendOverruled(reply)
    const created = imported.outcomes.filter(({ kind }) => kind === 'created').length
    if (created > 0)
      request.log.info(
        { event: 'authz_admin', actor: actor.accountId, created },
        'accounts imported',
      )
    return reply.send(answerOf(imported.outcomes))
  })
}

function candidateOf(parts: FittingParts, request: FastifyRequest, account: object): FitAccount {
  const isValid = request.compileValidationSchema(accountSchema)
  if (isValid(account)) return fitAccount(parts, givenOf(account as Members))
  const errors = (isValid.errors ?? []).map((fault) => withoutContent(fieldErrorOf(fault)))
  return { kind: 'mistaken', errors }
}

type Members = FromSchema<typeof accountSchema>

function givenOf(members: Members): GivenAccount {
  const { identifier, email, roles = [], attributes = {} } = members
  return {
    identifier,
    passwordHash: members.password_hash,
    email,
    isEmailVerified: members.email_verified ?? false,
    roles,
    attributes: attributes as JsonObject,
    isBlocked: members.blocked ?? false,
  }
}

/** A name that is no name may be anything, a password too. */
function withoutContent({ field, message }: FieldError): FieldError {
  return /^(?:\/\w{1,64})*$/.test(field)
    ? { field, message }
    : { field: '', message: 'has a member that is not known' }
}

function answerOf(outcomes: readonly ImportOutcome[]): object {
  return { results: outcomes.map(membersOf) }
}

/** In words. */
function errorOf(error: Mistaken['errors'][number]): FieldError {
  return 'fault' in error ? { field: error.field, message: accountFaultText(error.fault) } : error
}

function membersOf(outcome: ImportOutcome): object {
  if (outcome.kind === 'mistaken') {
    return { outcome: outcome.kind, errors: outcome.errors.slice(0, fieldErrorsMax).map(errorOf) }
  }
  const { kind, ...members } = outcome
  return { outcome: kind, ...members }
}
