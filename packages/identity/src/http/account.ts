import { createProblem } from '@portcullis/runtime'
import type { AccountDeletionParts } from '../domain/account-deletion.ts'
import { deleteOwnAccount } from '../domain/account-deletion.ts'
import type { Account } from '../domain/accounts.ts'
import { passwordText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import {
  sendBadCredentials,
  sendBusy,
  sendLastAdministrator,
  sendProblem,
  sendThrottled,
} from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AccountRouteParts extends AccountDeletionParts {
  readonly issuer: string
  readonly callers: Callers
}

const deletionBody = {
  type: 'object',
  required: ['password'],
  additionalProperties: false,
  properties: { password: passwordText },
} as const

/** The caller's own account: what is known of it, and its end. */
export function addAccount(app: HttpServer, parts: AccountRouteParts): void {
  const { issuer, callers, accounts } = parts
  const path = pathAtIssuer(issuer, '/account')

  app.get(path, async (request, reply) => {
    const { id, accountId } = await callers.requirePerson(request)
    const account = await accounts.find(accountId)
    return account === undefined
      ? sendProblem(reply, createProblem('superseded', 'the account was deleted'))
      : reply.send({ ...membersOf(account), session: id })
  })

  app.delete(path, { schema: { body: deletionBody } }, async (request, reply) => {
    const session = await callers.requirePerson(request)
    const { accountId } = session
    const outcome = await deleteOwnAccount(parts, session, {
      password: request.body.password,
      address: request.ip,
    })
    const event = outcome.kind === 'deleted' ? 'user_deleted' : 'authn_login_fail'
    request.log.info({ event, accountId, outcome: outcome.kind }, 'account deletion by its owner')
    switch (outcome.kind) {
      case 'deleted':
        return reply.send({ revocation: outcome.position })
      case 'bad-credentials':
        return sendBadCredentials(reply, issuer)
      case 'busy':
        return sendBusy(reply, outcome.retryAfterSeconds)
      case 'throttled':
        return sendThrottled(reply, outcome.retryAfterSeconds)
      case 'last-administrator':
        return sendLastAdministrator(reply)
      case 'unknown':
      case 'superseded': {
        const detail =
          'the account, its password or the session has changed; nothing was changed now'
        return sendProblem(reply, createProblem('superseded', detail))
      }
    }
  })
}

function membersOf(account: Account): object {
  return {
    id: account.id,
    identifier: account.identifier,
    email: account.email,
    email_verified: account.isEmailVerified,
    roles: account.roles,
    attributes: account.attributes,
    created_at: new Date(account.createdAt).toISOString(),
  }
}
