import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import {
  parseCount,
  parseCountsByName,
  parseList,
  parseText,
  parseTime,
  present,
} from '../answer-members.ts'
import { requireMembers } from '../closed-options.ts'
import type { AuditEvent } from './audit.ts'
import { parseEvent } from './audit.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin } from './requests.ts'
import { pathOf, readAnswer } from './requests.ts'

/** Something that rules of the issuer have found. */
export interface Anomaly {
  readonly id: string
  readonly rule: string
  /** `notice`, `warning` or `critical`. */
  readonly severity: string
  /** What kind of thing the subject is: `account`, `session`, `network`, `client`, `key` or `issuer`. */
  readonly about: string
  /** An id, or a network. */
  readonly subject: string
  readonly evidence: AnomalyEvidence
  /** What somebody should do; none for a rule that the issuer asked does not know. */
  readonly suggestedAction?: string
  readonly firstSeen: Date
  readonly lastSeen: Date
  /** How often it was seen. */
  readonly count: number
  /** What was done by itself, where rules may: `told`, `ended`, `blocked`, `spared`, `too-many`, `gone`. */
  readonly action?: string
  /** What was done about its subject since it began, the latest of each kind, the newest first; by its owner too. */
  readonly decisions: readonly AuditEvent[]
}

/** One that somebody looks at. */
export interface AnomalyDetails extends Anomaly {
  /** The events that led to it, as far as they are kept. */
  readonly records: readonly AuditEvent[]
}

/** Ids, networks and counts that led to it. */
export interface AnomalyEvidence {
  /** `<chain>:<seq>` of the audit record. */
  readonly records: readonly string[]
  readonly networks: readonly string[]
  readonly accounts: readonly string[]
  readonly sessions: readonly string[]
  readonly followers: readonly string[]
  /** Why, where a rule may hold of one subject for several reasons: of `refused-tokens` the reason of the refusals. */
  readonly reason?: string
  readonly counts: Readonly<Record<string, number>>
}

export interface AnomalyFilter {
  readonly rule?: string
  readonly severity?: string
  /** Seen then or later. */
  readonly since?: Date
}

export interface AnomalyAdministration {
  /** Every anomaly that fits, the newest first; asks for pages as they are needed. */
  readonly list: (filter?: AnomalyFilter) => AsyncIterable<Anomaly>
  readonly page: (filter?: AnomalyFilter, page?: PageOptions) => Promise<Page<Anomaly>>
  readonly get: (id: string) => Promise<AnomalyDetails>
}

const base = '/admin/anomalies'

export function administerAnomalies(ask: AskAdmin): AnomalyAdministration {
  const page: AnomalyAdministration['page'] = async (filter = {}, options = {}) => {
    requireMembers(filter, 'the filter', ['rule', 'severity', 'since'])
    requirePage(options)
    const path = `${base}${queryOf({ ...filter }, options)}`
    return readAnswer(await ask({ method: 'GET', path }), (body) => {
      const items = parseList(body['anomalies'], parseAnomaly)
      return items && { items, ...present({ next: parseText(body['next']) }) }
    })
  }
  return Object.freeze({
    list: (filter = {}) => everyItem((options) => page(filter, options)),
    page,
    get: async (id) =>
      readAnswer(await ask({ method: 'GET', path: pathOf(base, id) }), parseDetails),
  } satisfies AnomalyAdministration)
}

function parseDetails(body: JsonObject): AnomalyDetails | undefined {
  const anomaly = parseAnomaly(body)
  const records = parseList(body['records'], parseEvent)
  return anomaly && records && { ...anomaly, records }
}

function parseAnomaly(value: JsonValue): Anomaly | undefined {
  if (!isJsonObject(value)) return undefined
  const [id, rule, severity] = [value['id'], value['rule'], value['severity']].map(parseText)
  const [about, subject] = [value['about'], value['subject']].map(parseText)
  const [firstSeen, lastSeen] = [parseTime(value['first_seen']), parseTime(value['last_seen'])]
  const count = parseCount(value['count'])
  if (id === undefined || rule === undefined || severity === undefined) return undefined
  if (about === undefined || subject === undefined || count === undefined) return undefined
  if (firstSeen === undefined || lastSeen === undefined) return undefined
  const evidence = parseEvidence(value['evidence'])
  const suggestedAction = parseText(value['suggested_action'])
  const facts = { id, rule, severity, about, subject, evidence, firstSeen, lastSeen, count }
  const decisions = parseList(value['decisions'], parseEvent) ?? []
  return {
    ...facts,
    decisions,
    ...present({ suggestedAction, action: parseText(value['action']) }),
  }
}

function parseEvidence(value: JsonValue | undefined): AnomalyEvidence {
  const members = isJsonObject(value) ? value : {}
  const list = (name: string): readonly string[] => parseList(members[name], parseText) ?? []
  return {
    records: list('records'),
    networks: list('networks'),
    accounts: list('accounts'),
    sessions: list('sessions'),
    followers: list('followers'),
    ...present({ reason: parseText(members['reason']) }),
    counts: parseCountsByName(members['counts']),
  }
}
