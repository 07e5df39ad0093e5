import type { RevocationPosition } from '@portcullis/protocol'
import { requireMembers } from '../closed-options.ts'
import { parseRevocationPosition } from '../revocation-position.ts'
import type { AccountDetails, AccountInfo, Attributes } from './account-info.ts'
import { parseAccountDetails, parseAccountInfo, parseAttributes } from './account-info.ts'
import type { AccountImport, BulkDecision, BulkResult, ImportResult } from './bulk.ts'
import { parseBulkResult, parseImportResults } from './bulk.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin, Reason } from './requests.ts'
import { pathOf, readAnswer, readPosition, reasonIn } from './requests.ts'
import { parseList, parseText, present } from '../answer-members.ts'

/** All that is said must hold. */
export interface AccountFilter {
  readonly identifier?: string
  readonly identifierPrefix?: string
  readonly role?: string
  readonly isBlocked?: boolean
  readonly isUnconfirmed?: boolean
  readonly createdAfter?: Date
  readonly createdBefore?: Date
}

export interface NewAccount {
  readonly identifier: string
  /** Without one a link to choose it is sent. */
  readonly password?: string
  readonly email?: string
  readonly roles?: readonly string[]
  readonly attributes?: Attributes
  readonly reason?: string
}

export interface ProfileChange extends Reason {
  /** null takes it away. */
  readonly email?: string | null
  /** null takes one away; what is not named stays. */
  readonly attributes?: Readonly<Record<string, string | number | boolean | null>>
}

export interface ChangedProfile {
  readonly email?: string
  readonly attributes: Attributes
  /** None where no token says what does not hold any more. */
  readonly revocation?: RevocationPosition
}

/** What ends sessions answers the place in the revocation log by which their tokens are refused. */
export interface AccountAdministration {
  /** Every account that fits, the newest first; asks for pages as they are needed. */
  readonly list: (filter?: AccountFilter) => AsyncIterable<AccountInfo>
  readonly page: (filter?: AccountFilter, page?: PageOptions) => Promise<Page<AccountInfo>>
  readonly get: (id: string) => Promise<AccountDetails>
  readonly create: (account: NewAccount) => Promise<Pick<AccountInfo, 'id' | 'identifier'>>
  /** Up to 100 accounts of another system, each looked at by itself. */
  readonly import: (accounts: AccountImport) => Promise<readonly ImportResult[]>
  readonly change: (id: string, change: ProfileChange) => Promise<ChangedProfile>
  /** These roles and no others. Where none was taken away, nothing is revoked. */
  readonly setRoles: (
    id: string,
    decision: Reason & { readonly roles: readonly string[] },
  ) => Promise<RevocationPosition | undefined>
  readonly block: (id: string, decision: Reason) => Promise<RevocationPosition>
  readonly unblock: (id: string, decision: Reason) => Promise<void>
  readonly logOut: (id: string, decision: Reason) => Promise<RevocationPosition>
  readonly reset: (id: string, decision: Reason) => Promise<RevocationPosition>
  readonly delete: (id: string, decision: Reason) => Promise<RevocationPosition>
  /** Up to 10,000 accounts in one step: all of it is done, or nothing. */
  readonly blockMany: (decision: BulkDecision) => Promise<BulkResult>
  readonly logOutMany: (decision: BulkDecision) => Promise<BulkResult>
}

const base = '/admin/accounts'

export function administerAccounts(ask: AskAdmin): AccountAdministration {
  const page: AccountAdministration['page'] = (filter = {}, options = {}) =>
    askForPage(ask, filter, options)
  const decide =
    (method: 'POST' | 'DELETE', rest: string) =>
    async (id: string, decision: Reason): Promise<RevocationPosition> =>
      readPosition(await ask({ method, path: pathOf(base, id, rest), json: reasonIn(decision) }))
  const decideMany =
    (path: string) =>
    async (decision: BulkDecision): Promise<BulkResult> => {
      requireMembers(decision, 'the decision', ['ids', 'reason'])
      return readAnswer(await ask({ method: 'POST', path, json: { ...decision } }), parseBulkResult)
    }
  return Object.freeze({
    list: (filter = {}) => everyItem((options) => page(filter, options)),
    page,
    get: async (id) =>
      readAnswer(await ask({ method: 'GET', path: pathOf(base, id) }), parseAccountDetails),
    create: (account) => create(ask, account),
    import: async (accounts) => {
      requireMembers(accounts, 'the import', ['accounts', 'isDryRun', 'reason'])
      const { isDryRun, ...members } = accounts
      const json = { ...members, dry_run: isDryRun }
      const answer = await ask({ method: 'POST', path: `${base}/import`, json })
      return readAnswer(answer, parseImportResults(accounts.accounts.length))
    },
    change: (id, change) => changeProfile(ask, id, change),
    setRoles: async (id, decision) => {
      requireMembers(decision, 'the decision', ['roles', 'reason'])
      const path = pathOf(base, id, '/roles')
      return parseRevocationPosition(await ask({ method: 'POST', path, json: { ...decision } }))
    },
    block: decide('POST', '/block'),
    unblock: async (id, decision) => {
      const path = pathOf(base, id, '/unblock')
      await ask({ method: 'POST', path, json: reasonIn(decision) })
    },
    logOut: decide('POST', '/logout'),
    reset: decide('POST', '/reset'),
    delete: decide('DELETE', ''),
    blockMany: decideMany(`${base}/block`),
    logOutMany: decideMany(`${base}/logout`),
  } satisfies AccountAdministration)
}

const filterMembers = [
  'identifier',
  'identifierPrefix',
  'role',
  'isBlocked',
  'isUnconfirmed',
  'createdAfter',
  'createdBefore',
]

async function askForPage(
  ask: AskAdmin,
  filter: AccountFilter,
  options: PageOptions,
): Promise<Page<AccountInfo>> {
  requireMembers(filter, 'the filter', filterMembers)
  requirePage(options)
  const query = queryOf(
    {
      identifier: filter.identifier,
      identifier_prefix: filter.identifierPrefix,
      role: filter.role,
      blocked: filter.isBlocked,
      unconfirmed: filter.isUnconfirmed,
      created_after: filter.createdAfter,
      created_before: filter.createdBefore,
    },
    options,
  )
  return readAnswer(await ask({ method: 'GET', path: `${base}${query}` }), (body) => {
    const items = parseList(body['accounts'], parseAccountInfo)
    return items && { items, ...present({ next: parseText(body['next']) }) }
  })
}

async function create(
  ask: AskAdmin,
  account: NewAccount,
): Promise<Pick<AccountInfo, 'id' | 'identifier'>> {
  const known = ['identifier', 'password', 'email', 'roles', 'attributes', 'reason']
  requireMembers(account, 'the account', known)
  const answer = await ask({ method: 'POST', path: base, json: { ...account } })
  return readAnswer(answer, (body) => {
    const [id, identifier] = [parseText(body['id']), parseText(body['identifier'])]
    return id === undefined || identifier === undefined ? undefined : { id, identifier }
  })
}

async function changeProfile(
  ask: AskAdmin,
  id: string,
  change: ProfileChange,
): Promise<ChangedProfile> {
  requireMembers(change, 'the change', ['email', 'attributes', 'reason'])
  const answer = await ask({ method: 'PATCH', path: pathOf(base, id), json: { ...change } })
  const revocation = parseRevocationPosition(answer)
  return readAnswer(answer, (body) => {
    const attributes = parseAttributes(body['attributes'])
    return attributes && { attributes, ...present({ email: parseText(body['email']), revocation }) }
  })
}
