import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import {
  parseCount,
  parseList,
  parseText,
  parseTexts,
  parseTime,
  present,
} from '../answer-members.ts'
import { requireMembers, requireText } from '../closed-options.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin, Reason } from './requests.ts'
import { pathOf, readAnswer, reasonIn } from './requests.ts'

/** A stream of security events, and how it goes with it. */
export interface StreamInfo {
  readonly id: string
  /** The id of the client that has it; none for one that an administrator has made. */
  readonly client?: string
  /** What its tokens have as `aud`. */
  readonly audience: string
  readonly description?: string
  readonly delivery: 'push' | 'poll'
  /** Where it is pushed to. */
  readonly endpointUrl?: string
  /** Of which events it hears, by the ends of their names. */
  readonly events: readonly string[]
  /** `iss_sub` names the owner of a session alone. */
  readonly format: 'complex' | 'iss_sub'
  readonly status: string
  readonly statusReason?: string
  readonly createdAt: Date
  readonly deliveredAt?: Date
  readonly failedAt?: Date
  readonly lastFailure?: string
  /** In a row. */
  readonly failures: number
  /** Events that it has not taken in time. */
  readonly dropped: number
  /** Events that it has refused for good. */
  readonly undelivered: number
}

/** An event that its receiver has refused for good. */
export interface UndeliveredEvent {
  readonly jti: string
  readonly event: string
  readonly happenedAt: Date
  readonly givenUpAt: Date
  readonly tries: number
  readonly why: string
}

export interface NewWebhook {
  readonly endpointUrl: string
  readonly events: readonly string[]
  /** The field `Authorization` that is sent along; it is shown nowhere again. */
  readonly authorizationHeader?: string
  /** Default: the address. */
  readonly audience?: string
  readonly description?: string
  /** `iss_sub` names the owner of a session alone; default `complex`. */
  readonly format?: 'complex' | 'iss_sub'
  readonly reason?: string
}

export interface StreamAdministration {
  /** Every stream; asks for pages as they are needed. */
  readonly list: () => AsyncIterable<StreamInfo>
  readonly page: (page?: PageOptions) => Promise<Page<StreamInfo>>
  /** One stream, with the newest hundred of what its receiver has refused for good. */
  readonly read: (
    id: string,
  ) => Promise<{ readonly stream: StreamInfo; readonly undelivered: readonly UndeliveredEvent[] }>
  /** Has security events pushed to an address. */
  readonly create: (webhook: NewWebhook) => Promise<StreamInfo>
  readonly delete: (id: string, decision: Reason) => Promise<void>
  /** Delivers again what was refused for good, and answers how many events that are. */
  readonly redeliver: (id: string, decision: Reason) => Promise<number>
}

const streams = '/admin/streams'

export function administerStreams(ask: AskAdmin): StreamAdministration {
  const page: StreamAdministration['page'] = async (options = {}) => {
    requirePage(options)
    const path = `${streams}${queryOf({}, options)}`
    return readAnswer(await ask({ method: 'GET', path }), (body) => {
      const items = parseList(body['streams'], parseStream)
      return items && { items, ...present({ next: parseText(body['next']) }) }
    })
  }
  return Object.freeze({
    list: () => everyItem(page),
    page,
    read: async (id) =>
      readAnswer(await ask({ method: 'GET', path: pathOf(streams, id) }), (body) => {
        const stream = parseStream(body)
        const undelivered = parseList(body['undelivered_events'], parseUndelivered)
        return stream && undelivered && { stream, undelivered }
      }),
    create: async (webhook) =>
      readAnswer(await ask({ method: 'POST', path: streams, json: bodyOf(webhook) }), parseStream),
    delete: async (id, decision) => {
      await ask({ method: 'DELETE', path: pathOf(streams, id), json: reasonIn(decision) })
    },
    redeliver: async (id, decision) => {
      const path = pathOf(streams, id, '/redeliver')
      const answer = await ask({ method: 'POST', path, json: reasonIn(decision) })
      return readAnswer(answer, (body) => parseCount(body['events']))
    },
  } satisfies StreamAdministration)
}

const webhookMembers = [
  'endpointUrl',
  'events',
  'authorizationHeader',
  'audience',
  'description',
  'format',
  'reason',
]

function bodyOf(webhook: NewWebhook): JsonObject {
  requireMembers(webhook, 'the webhook', webhookMembers)
  const { endpointUrl, events, authorizationHeader, audience, description, format, reason } =
    webhook
  return {
    endpoint_url: requireText(endpointUrl, 'member "endpointUrl"'),
    events: [...events],
    ...(authorizationHeader !== undefined && { authorization_header: authorizationHeader }),
    ...(audience !== undefined && { audience }),
    ...(description !== undefined && { description }),
    ...(format !== undefined && { format }),
    ...(reason !== undefined && { reason }),
  }
}

function parseStream(value: JsonValue): StreamInfo | undefined {
  if (!isJsonObject(value)) return undefined
  const [id, audience] = [parseText(value['id']), parseText(value['audience'])]
  const { delivery, format } = value
  const [events, status] = [parseTexts(value['events']), parseText(value['status'])]
  const createdAt = parseTime(value['created_at'])
  const failures = parseCount(value['failures'])
  const dropped = parseCount(value['dropped'])
  const undelivered = parseCount(value['undelivered'])
  if (id === undefined || audience === undefined || status === undefined) return undefined
  if (delivery !== 'push' && delivery !== 'poll') return undefined
  if (format !== 'complex' && format !== 'iss_sub') return undefined
  if (events === undefined || createdAt === undefined || failures === undefined) return undefined
  if (dropped === undefined || undelivered === undefined) return undefined
  const counts = { failures, dropped, undelivered }
  return { id, audience, delivery, events, format, status, createdAt, ...counts, ...moreOf(value) }
}

function moreOf(value: JsonObject): Partial<StreamInfo> {
  return present({
    client: parseText(value['client']),
    description: parseText(value['description']),
    endpointUrl: parseText(value['endpoint_url']),
    statusReason: parseText(value['status_reason']),
    deliveredAt: parseTime(value['delivered_at']),
    failedAt: parseTime(value['failed_at']),
    lastFailure: parseText(value['last_failure']),
  })
}

function parseUndelivered(value: JsonValue): UndeliveredEvent | undefined {
  if (!isJsonObject(value)) return undefined
  const [jti, event, why] = [value['jti'], value['event'], value['why']].map(parseText)
  const [happenedAt, givenUpAt] = [value['happened_at'], value['given_up_at']].map(parseTime)
  const tries = parseCount(value['tries'])
  if (jti === undefined || event === undefined || why === undefined) return undefined
  if (happenedAt === undefined || givenUpAt === undefined || tries === undefined) return undefined
  return { jti, event, happenedAt, givenUpAt, tries, why }
}
