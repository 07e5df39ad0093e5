import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseList, parseText, parseTime, present } from '../answer-members.ts'
import { requireMembers } from '../closed-options.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin } from './requests.ts'
import { readAnswer } from './requests.ts'

/** Something that happened, as the issuer keeps it. */
export interface AuditEvent {
  readonly at: Date
  readonly kind: string
  /** The kind in the OWASP Logging Vocabulary. */
  readonly term?: string
  readonly account?: string
  readonly session?: string
  readonly client?: string
  /** The signing key that it is about. */
  readonly kid?: string
  /** Who did it, where it was somebody else: the id of an account or of a client, or `command-line`. */
  readonly actor?: string
  readonly reason?: string
  readonly network?: string
  readonly details?: JsonValue
  readonly chain?: string
  readonly seq?: number
  /** It was there before a node chained it, which vouches for it from then on only. */
  readonly isAdopted: boolean
}

export interface AuditFilter {
  readonly kind?: string
  /** The id of an account. */
  readonly account?: string
  readonly actor?: string
  /** The id of a client. */
  readonly client?: string
  readonly session?: string
  readonly from?: Date
  /** What happened then is not among them. */
  readonly to?: Date
}

/** The first record that does not hold. */
export interface AuditFault {
  readonly what: string
  readonly chain?: string
  readonly seq?: number
  /** The row, where there is one. */
  readonly id?: number
}

export interface AuditVerdict {
  readonly chains: number
  /** How many records were looked at. */
  readonly records: number
  /** Undefined when all of it holds. */
  readonly firstBad?: AuditFault
}

export interface AuditAdministration {
  /** Every event that fits, the newest first; asks for pages as they are needed. */
  readonly list: (filter?: AuditFilter) => AsyncIterable<AuditEvent>
  readonly page: (filter?: AuditFilter, page?: PageOptions) => Promise<Page<AuditEvent>>
  /** Asks the issuer to check all of it. Each anchor, `<chain>:<seq>:<mac>` as it was logged, must still be there. */
  readonly verify: (anchors?: readonly string[]) => Promise<AuditVerdict>
}

const base = '/admin/audit'

/** It reads everything there is. */
const verifyTimeoutMs = 10 * 60_000

export function administerAudit(ask: AskAdmin): AuditAdministration {
  const page: AuditAdministration['page'] = async (filter = {}, options = {}) => {
    requireMembers(filter, 'the filter', [
      'kind',
      'account',
      'actor',
      'client',
      'session',
      'from',
      'to',
    ])
    requirePage(options)
    const path = `${base}${queryOf({ ...filter }, options)}`
    return readAnswer(await ask({ method: 'GET', path }), (body) => {
      const items = parseList(body['events'], parseEvent)
      return items && { items, ...present({ next: parseText(body['next']) }) }
    })
  }
  return Object.freeze({
    list: (filter = {}) => everyItem((options) => page(filter, options)),
    page,
    verify: async (anchors = []) => {
      const json = { anchors: [...anchors] }
      const request = { method: 'POST', path: `${base}/verify`, json } as const
      return readAnswer(await ask({ ...request, timeoutMs: verifyTimeoutMs }), parseVerdict)
    },
  } satisfies AuditAdministration)
}

export function parseEvent(value: JsonValue): AuditEvent | undefined {
  if (!isJsonObject(value)) return undefined
  const [at, kind] = [parseTime(value['at']), parseText(value['kind'])]
  if (at === undefined || kind === undefined) return undefined
  return {
    at,
    kind,
    ...present({
      term: parseText(value['term']),
      account: parseText(value['account']),
      session: parseText(value['session']),
      client: parseText(value['client']),
      kid: parseText(value['kid']),
      actor: parseText(value['actor']),
      reason: parseText(value['reason']),
      network: parseText(value['network']),
      details: value['details'],
      chain: parseText(value['chain']),
      seq: parseNumber(value['seq']),
    }),
    isAdopted: value['adopted'] === true,
  }
}

function parseVerdict(body: JsonObject): AuditVerdict | undefined {
  const { ok, first_bad: bad } = body
  const [chains, records] = [parseNumber(body['chains']), parseNumber(body['records'])]
  if (chains === undefined || records === undefined) return undefined
  if (ok === true && bad === undefined) return { chains, records }
  const firstBad = parseFault(bad)
  return ok === false && firstBad !== undefined ? { chains, records, firstBad } : undefined
}

function parseFault(value: JsonValue | undefined): AuditFault | undefined {
  if (!isJsonObject(value)) return undefined
  const what = parseText(value['what'])
  if (what === undefined) return undefined
  const chain = parseText(value['chain'])
  return {
    what,
    ...present({ chain, seq: parseNumber(value['seq']), id: parseNumber(value['id']) }),
  }
}

function parseNumber(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}
