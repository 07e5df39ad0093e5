import { createProblem } from '@portcullis/runtime'
import type {
  AuditAnchor,
  AuditFault,
  AuditFilter,
  AuditLog,
  AuditRecord,
} from '../domain/audit.ts'
import { parseAnchor } from '../domain/audit.ts'
import { auditVocabulary, isEventKind } from '../domain/audit-vocabulary.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { momentText, parseMoment } from './moments.ts'
import { sendBusy, sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminAuditParts {
  readonly issuer: string
  readonly callers: Callers
  readonly auditLog: Pick<AuditLog, 'list' | 'verify'>
}

/** Ids are 128 random bits in base64url; `command-line` is an actor too. */
const idText = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } as const
const auditQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    kind: { type: 'string', enum: Object.keys(auditVocabulary) },
    account: idText,
    actor: idText,
    client: idText,
    session: idText,
    from: momentText,
    to: momentText,
    limit: { type: 'string', pattern: '^([1-9][0-9]?|[1-4][0-9]{2}|500)$' },
    after: { type: 'string', pattern: '^[0-9]{1,15}$' },
  },
} as const

const anchorsMax = 100

const verifyBody = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    anchors: {
      type: 'array',
      maxItems: anchorsMax,
      items: {
        type: 'string',
        pattern: '^[A-Za-z0-9_-]{22}:[0-9]{1,15}:[A-Za-z0-9_-]{43}$',
      },
    },
  },
} as const

const pageDefault = 100
/** It reads everything there is: one at a time, and whoever comes meanwhile comes again. */
const verifyRetrySeconds = 10

/** The record of what happened, and whether it is still what was written. */
export function addAdminAudit(app: HttpServer, parts: AdminAuditParts): void {
  const { issuer, callers, auditLog } = parts

  const listed = { schema: { querystring: auditQuery } }
  app.get(pathAtIssuer(issuer, '/admin/audit'), listed, async (request, reply) => {
    await callers.requireAdministrator(request)
    const { limit = pageDefault, after, from, to, ...exact } = request.query
    const times = { from: momentOf(from), to: momentOf(to) }
    const wrong = (
      [
        ['from', from],
        ['to', to],
      ] as const
    ).find(([name, text]) => text !== undefined && times[name] === undefined)
    if (wrong !== undefined) {
      const errors = [{ field: `/${wrong[0]}`, message: 'is no moment' }]
      return sendProblem(reply, createProblem('malformed', 'the query does not fit', errors))
    }
    const page = { limit: Number(limit), after: after === undefined ? undefined : Number(after) }
    const { records, next } = await auditLog.list({ ...filterOf(exact), ...times }, page)
    return reply.send({
      events: records.map(recordMembers),
      ...(next === undefined ? {} : { next: String(next) }),
    })
  })

  let isUnderWay = false
  const verified = { schema: { body: verifyBody } }
  app.post(pathAtIssuer(issuer, '/admin/audit/verify'), verified, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    if (isUnderWay) return sendBusy(reply, verifyRetrySeconds, 'the record is being verified')
    isUnderWay = true
    try {
      const verdict = await auditLog.verify(anchorsIn(request.body?.anchors))
      const { chains, records, firstBad } = verdict
      const event = 'authz_admin'
      request.log.info({ event, actor: actor.accountId, chains, records }, 'audit record verified')
      if (firstBad !== undefined) request.log.error(firstBad, 'the audit record does not hold')
      const bad = firstBad === undefined ? {} : { first_bad: faultMembers(firstBad) }
      return await reply.send({ ok: firstBad === undefined, chains, records, ...bad })
    } finally {
      isUnderWay = false
    }
  })
}

interface ExactQuery {
  readonly kind?: string
  readonly account?: string
  readonly actor?: string
  readonly client?: string
  readonly session?: string
}

function filterOf({ kind, account, actor, client, session }: ExactQuery): AuditFilter {
  return {
    kind: kind !== undefined && isEventKind(kind) ? kind : undefined,
    accountId: account,
    actor,
    clientId: client,
    sessionId: session,
  }
}

function momentOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseMoment(text)
}

function anchorsIn(texts: readonly string[] = []): readonly AuditAnchor[] {
  return texts.flatMap((text) => parseAnchor(text) ?? [])
}

/** As every route tells a record. */
export function recordMembers(record: AuditRecord): object {
  return {
    at: new Date(record.at).toISOString(),
    kind: record.kind,
    term: isEventKind(record.kind) ? auditVocabulary[record.kind] : undefined,
    account: record.accountId,
    session: record.sessionId,
    client: record.clientId,
    actor: record.actor,
    reason: record.reason,
    network: record.network,
    details: detailsOf(record),
    kid: record.kid,
    chain: record.place?.chain,
    seq: record.place?.seq,
    adopted: record.isAdopted ? true : undefined,
  }
}

/** Whoever reads the list should see a row that somebody has broken, and not a failure. */
function detailsOf({ details }: AuditRecord): unknown {
  if (details === undefined) return undefined
  try {
    return JSON.parse(details)
  } catch {
    return details
  }
}

function faultMembers({ what, chain, seq, id }: AuditFault): object {
  return { what, chain, seq, id }
}
