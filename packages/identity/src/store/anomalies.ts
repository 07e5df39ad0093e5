import type { Anomaly, AnomalyStore, Evidence } from '../domain/anomalies/anomalies.ts'
import { actionOutcomes, boundedEvidence } from '../domain/anomalies/anomalies.ts'
import type { AuditRecord } from '../domain/audit.ts'
import { withDecisions } from './anomaly-decisions.ts'
import { auditRecordOf, eventColumns } from './audit-rows.ts'
import { integer, optionalText, text } from './columns.ts'
import { createConditions } from './conditions.ts'
import type { Database, Query, Row } from './database.ts'

export function createAnomalyStore({ read }: Pick<Database, 'read'>): AnomalyStore {
  return {
    list: async ({ rule, severity, since }, { limit, after = Number.MAX_SAFE_INTEGER }) => {
      const conditions = createConditions()
      conditions.add('id < ?', after)
      if (rule !== undefined) conditions.add('rule = ?', rule)
      if (severity !== undefined) conditions.add('severity = ?', severity)
      if (since !== undefined) conditions.add('last_at >= ?', since)
      const rows = await read(
        `SELECT * FROM anomalies WHERE ${conditions.text()}
         ORDER BY id DESC LIMIT ${conditions.place(limit + 1)}`,
        conditions.values(),
      )
      const anomalies = rows.slice(0, limit).map(anomalyOf)
      const next = rows.length > limit ? anomalies.at(-1)?.id : undefined
      return { anomalies: await withDecisions(read, anomalies), next }
    },
    read: async (id) => {
      const rows = await read('SELECT * FROM anomalies WHERE id = $1', [id])
      const [anomaly] = await withDecisions(read, rows.map(anomalyOf))
      return anomaly && { ...anomaly, records: await readRecords(read, anomaly) }
    },
  }
}

async function readRecords(
  read: Query,
  { evidence: { records = [] } }: Anomaly,
): Promise<readonly AuditRecord[]> {
  if (records.length === 0) return []
  const places = records.map((record) => record.split(':'))
  const rows = await read(
    `SELECT ${eventColumns} FROM events WHERE (chain, seq) IN (
       SELECT value ->> 0, CAST(value ->> 1 AS bigint) FROM jsonb_array_elements($1::jsonb))
     ORDER BY id DESC`,
    [JSON.stringify(places)],
  )
  return rows.map(auditRecordOf)
}

export function anomalyOf(row: Row): Anomaly {
  return {
    id: integer(row, 'id'),
    rule: text(row, 'rule'),
    severity: text(row, 'severity'),
    about: text(row, 'about'),
    subject: text(row, 'subject'),
    evidence: evidenceIn(row),
    firstAt: integer(row, 'first_at'),
    lastAt: integer(row, 'last_at'),
    count: integer(row, 'times'),
    outcome: actionOutcomes.find((one) => one === optionalText(row, 'outcome')),
  }
}

export function evidenceIn(row: Row): Evidence {
  return boundedEvidence(JSON.parse(text(row, 'evidence')) as Evidence)
}
