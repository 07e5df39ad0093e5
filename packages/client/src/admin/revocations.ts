import type { JsonObject, JsonValue, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseCount, parseList, parseText, parseTime, present } from '../answer-members.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin } from './requests.ts'
import { readAnswer } from './requests.ts'

/** A record of the log, as long as a token may live that it is about. */
export interface ListedRevocation {
  /** Of which `followers.receipts` tells what became of it. */
  readonly position: RevocationPosition
  /** `session`, `account`, `client`, `token`, `key` or `all`. */
  readonly kind: string
  /** The `sid`, `sub`, `client_id`, `jti` or `kid`. */
  readonly subject?: string
  /** Whose session or token it was. */
  readonly account?: string
  /** The kind of its event in the audit record. */
  readonly cause?: string
  readonly actor?: string
  readonly reason?: string
  readonly committedAt: Date
  /** None of what is taken back for ever. */
  readonly until?: Date
}

export interface RevocationAdministration {
  /** The log that is in force, the newest first; asks for pages as they are needed. */
  readonly list: () => AsyncIterable<ListedRevocation>
  readonly page: (page?: PageOptions) => Promise<Page<ListedRevocation>>
  /** The record at this position; fails with `position-gone` where it is in force no more. */
  readonly get: (position: RevocationPosition) => Promise<ListedRevocation>
}

export function administerRevocations(ask: AskAdmin): RevocationAdministration {
  const page: RevocationAdministration['page'] = async (options = {}) => {
    requirePage(options)
    const path = `/admin/revocations${queryOf({}, options)}`
    return readAnswer(await ask({ method: 'GET', path }), (body) => {
      const items = parseList(body['revocations'], parseRevocation)
      return items && { items, ...present({ next: parseText(body['next']) }) }
    })
  }
  return Object.freeze({
    list: () => everyItem(page),
    page,
    get: async ({ epoch, seq }) => {
      const path = `/admin/revocations/${encodeURIComponent(`${epoch}:${seq}`)}`
      return readAnswer(await ask({ method: 'GET', path }), readRevocation)
    },
  } satisfies RevocationAdministration)
}

function parseRevocation(value: JsonValue): ListedRevocation | undefined {
  return isJsonObject(value) ? readRevocation(value) : undefined
}

function readRevocation(value: JsonObject): ListedRevocation | undefined {
  const [epoch, seqText] = parseText(value['position'])?.split(':') ?? []
  const seq = parseCount(Number(seqText))
  const kind = parseText(value['kind'])
  const committedAt = parseTime(value['committed_at'])
  if (epoch === undefined || seq === undefined) return undefined
  if (kind === undefined || committedAt === undefined) return undefined
  const names = ['subject', 'account', 'cause', 'actor', 'reason'] as const
  const said = Object.fromEntries(names.map((name) => [name, parseText(value[name])]))
  const optional: Partial<ListedRevocation> = present(said)
  const until = present({ until: parseTime(value['until']) })
  return { position: { epoch, seq }, kind, ...optional, committedAt, ...until }
}
