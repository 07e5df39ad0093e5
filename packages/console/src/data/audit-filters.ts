import type { AuditEvent, AuditFilter, Page, PageOptions } from '@portcullis/client/admin'
import { administration } from '../session/session.ts'
import { idOfAccount, idOfActor, idOfClient } from './named.ts'

export const auditFilterNames = [
  'kind',
  'account',
  'actor',
  'client',
  'session',
  'from',
  'to',
] as const satisfies readonly (keyof AuditFilter)[]

/** What the record is narrowed to, as it stands in the address: names or ids, moments as instants; empty where it is not. */
export type GivenFilters = Readonly<Record<(typeof auditFilterNames)[number], string>>

export function filtersIn(query: URLSearchParams): GivenFilters {
  const entries = auditFilterNames.map((name) => [name, (query.get(name) ?? '').trim()])
  return Object.fromEntries(entries) as GivenFilters
}

export interface EventPage extends Page<AuditEvent> {
  /** What was given as a name, and nobody is called. */
  readonly unknownName?: string
}

export async function eventsThatFit(given: GivenFilters, page: PageOptions): Promise<EventPage> {
  const ids: { account?: string; actor?: string; client?: string } = {}
  for (const [name, find] of finders) {
    if (given[name] === '') continue
    const id = await find(given[name])
    if (id === undefined) return { items: [], unknownName: given[name] }
    ids[name] = id
  }
  return administration.audit.page({ ...exactOf(given), ...ids }, page)
}

const finders = [
  ['account', idOfAccount],
  ['actor', idOfActor],
  ['client', idOfClient],
] as const

/** A moment that is none narrows nothing, and the page says so. */
function exactOf({ kind, session, from, to }: GivenFilters): AuditFilter {
  return {
    ...(kind === '' ? {} : { kind }),
    ...(session === '' ? {} : { session }),
    ...(from === '' || !isMoment(from) ? {} : { from: new Date(from) }),
    ...(to === '' || !isMoment(to) ? {} : { to: new Date(to) }),
  }
}

export function isMoment(text: string): boolean {
  return !Number.isNaN(Date.parse(text))
}

/** Whether nothing can lie between, since what happened at the end is not among them. */
export function isTurnedRound({ from, to }: Pick<GivenFilters, 'from' | 'to'>): boolean {
  return isMoment(from) && isMoment(to) && Date.parse(to) <= Date.parse(from)
}
