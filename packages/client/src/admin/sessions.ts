import type { JsonValue, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseList, parseText, parseTime, present } from '../answer-members.ts'
import { requireMembers } from '../closed-options.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin, Reason } from './requests.ts'
import { pathOf, readAnswer, readPosition, reasonIn } from './requests.ts'

/** One login of somebody on one device. */
export interface AdministeredSession {
  readonly id: string
  readonly account: { readonly id: string; readonly identifier: string }
  readonly isLive: boolean
  /** To a key, by DPoP. */
  readonly isBound: boolean
  readonly client: string
  /** The field `User-Agent` of the login. */
  readonly device?: string
  /** What people call that, where it is one that the issuer knows. It proves nothing. */
  readonly browser?: string
  readonly system?: string
  readonly network?: string
  readonly createdAt: Date
  readonly lastUsedAt: Date
  readonly expiresAt: Date
  readonly endedAt?: Date
}

export interface SessionFilter {
  /** The id of an account. */
  readonly account?: string
  /** The id or the name of a client. */
  readonly client?: string
  /** Default `live`. `all`: with those that are over, as long as the issuer keeps them. */
  readonly state?: 'live' | 'all'
}

export interface SessionAdministration {
  /** Every session that fits, the newest login first; asks for pages as they are needed. */
  readonly list: (filter?: SessionFilter) => AsyncIterable<AdministeredSession>
  readonly page: (filter?: SessionFilter, page?: PageOptions) => Promise<Page<AdministeredSession>>
  readonly end: (sessionId: string, decision: Reason) => Promise<RevocationPosition>
  /** Ends every session of everybody, that of the caller too. */
  readonly endAll: (decision: Reason) => Promise<RevocationPosition>
}

const base = '/admin/sessions'

export function administerSessions(ask: AskAdmin, issuer: string): SessionAdministration {
  const page: SessionAdministration['page'] = async (filter = {}, options = {}) => {
    requireMembers(filter, 'the filter', ['account', 'client', 'state'])
    requirePage(options)
    const path = `${base}${queryOf({ ...filter }, options)}`
    return readAnswer(await ask({ method: 'GET', path }), (body) => {
      const items = parseList(body['sessions'], parseSession)
      return items && { items, ...present({ next: parseText(body['next']) }) }
    })
  }
  return Object.freeze({
    list: (filter = {}) => everyItem((options) => page(filter, options)),
    page,
    end: async (sessionId, decision) => {
      const path = pathOf(base, sessionId)
      return readPosition(await ask({ method: 'DELETE', path, json: reasonIn(decision) }))
    },
    endAll: async (decision) => {
      const json = { issuer, ...reasonIn(decision) }
      return readPosition(await ask({ method: 'POST', path: `${base}/end-all`, json }))
    },
  } satisfies SessionAdministration)
}

function parseSession(value: JsonValue): AdministeredSession | undefined {
  if (!isJsonObject(value) || !isJsonObject(value['account'])) return undefined
  const { account, live } = value
  const [id, client] = [parseText(value['id']), parseText(value['client'])]
  const [accountId, identifier] = [parseText(account['id']), parseText(account['identifier'])]
  const createdAt = parseTime(value['created_at'])
  const lastUsedAt = parseTime(value['last_used_at'])
  const expiresAt = parseTime(value['expires_at'])
  if (id === undefined || client === undefined || typeof live !== 'boolean') return undefined
  if (accountId === undefined || identifier === undefined) return undefined
  if (createdAt === undefined || lastUsedAt === undefined || expiresAt === undefined) {
    return undefined
  }
  return {
    id,
    account: { id: accountId, identifier },
    isLive: live,
    isBound: value['bound'] === true,
    client,
    ...present({
      device: parseText(value['device']),
      browser: parseText(value['browser']),
      system: parseText(value['system']),
      network: parseText(value['network']),
    }),
    createdAt,
    lastUsedAt,
    expiresAt,
    ...present({ endedAt: parseTime(value['ended_at']) }),
  }
}
