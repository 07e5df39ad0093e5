import { createProblem } from '@portcullis/runtime'
import type { AnomalyStore, ToldAnomaly } from '../domain/anomalies/anomalies.ts'
import { isRuleId, ruleIds, rules, severities } from '../domain/anomalies/rules.ts'
import { recordMembers } from './admin-audit.ts'
import { accountPath } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant, momentText, parseMoment } from './moments.ts'
import { limitOf, longPageLimit } from './page-queries.ts'
import { sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminAnomaliesParts {
  readonly issuer: string
  readonly callers: Callers
  readonly anomalies: AnomalyStore
}

const anomaliesQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    rule: { enum: ruleIds },
    severity: { enum: severities },
    since: momentText,
    limit: longPageLimit,
    after: { type: 'string', pattern: '^[0-9]{1,15}$' },
  },
} as const

/** What rules have found (docs/anomalies.md). */
export function addAdminAnomalies(app: HttpServer, parts: AdminAnomaliesParts): void {
  addList(app, parts)
  addReading(app, parts)
}

function addList(app: HttpServer, { issuer, callers, anomalies }: AdminAnomaliesParts): void {
  const schema = { querystring: anomaliesQuery }
  app.get(pathAtIssuer(issuer, '/admin/anomalies'), { schema }, async (request, reply) => {
    await callers.requireAdministrator(request)
    const { rule, severity, since: sinceText, after } = request.query
    const since = sinceText === undefined ? undefined : parseMoment(sinceText)
    if (sinceText !== undefined && since === undefined) {
      const errors = [{ field: '/since', message: 'is no moment' }]
      return sendProblem(reply, createProblem('malformed', 'the query does not fit', errors))
    }
    const page = {
      limit: limitOf(request.query),
      after: after === undefined ? after : Number(after),
    }
    const found = await anomalies.list({ rule, severity, since }, page)
    return reply.send({
      anomalies: found.anomalies.map(membersOf),
      ...(found.next === undefined ? {} : { next: String(found.next) }),
    })
  })
}

/** As the list says them. */
const idPattern = /^[0-9]{1,15}$/

function addReading(app: HttpServer, { issuer, callers, anomalies }: AdminAnomaliesParts): void {
  const path = pathAtIssuer(issuer, '/admin/anomalies/:id')
  app.get(path, { schema: { params: accountPath } }, async (request, reply) => {
    await callers.requireAdministrator(request)
    const { id } = request.params
    const anomaly = idPattern.test(id) ? await anomalies.read(Number(id)) : undefined
    if (anomaly === undefined) {
      const detail = 'there is no anomaly of this id, or it is not kept any more'
      return sendProblem(reply, createProblem('not-found', detail))
    }
    return reply.send({ ...membersOf(anomaly), records: anomaly.records.map(recordMembers) })
  })
}

function membersOf(anomaly: ToldAnomaly): object {
  const { id, rule, severity, about, subject, evidence, firstAt, lastAt, count, outcome } = anomaly
  return {
    id: String(id),
    rule,
    severity,
    about,
    subject,
    evidence,
    suggested_action: isRuleId(rule) ? rules[rule].suggestion : undefined,
    first_seen: instant(firstAt),
    last_seen: instant(lastAt),
    count,
    action: outcome,
    decisions: anomaly.decisions.map(recordMembers),
  }
}
