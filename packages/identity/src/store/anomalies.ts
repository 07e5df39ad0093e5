import type { Anomaly, AnomalyStore, Evidence } from '../domain/anomalies/anomalies.ts'
import { actionOutcomes, boundedEvidence } from '../domain/anomalies/anomalies.ts'
import { integer, optionalText, text } from './columns.ts'
import { createConditions } from './conditions.ts'
import type { Database, Row } from './database.ts'

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
      return { anomalies, next: rows.length > limit ? anomalies.at(-1)?.id : undefined }
    },
  }
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
