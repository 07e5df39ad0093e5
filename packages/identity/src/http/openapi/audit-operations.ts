import { text } from './answers.ts'
import type { Operations } from './operation.ts'
import { listOf, named, objectOf } from './operation.ts'

/** The record of what happened, and whether it is still what was written. */
export const auditOperations: Operations = {
  'GET /admin/audit': {
    id: 'listAuditEvents',
    tag: 'Administration: audit',
    summary: 'What happened, the newest first',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of events, with `next` when there are more',
        schema: objectOf({ events: listOf(named('AuditEvent')) }, { next: text }),
      },
    },
  },
  'GET /admin/anomalies': {
    id: 'listAnomalies',
    tag: 'Administration: audit',
    summary:
      'What rules have found in the audit record and in what nodes have seen, the newest first',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of anomalies, with `next` when there are more',
        schema: objectOf({ anomalies: listOf(named('Anomaly')) }, { next: text }),
      },
    },
  },
  'GET /admin/anomalies/:id': {
    id: 'readAnomaly',
    tag: 'Administration: audit',
    summary: 'One of them, with the records of the audit that led to it, as far as they are kept',
    caller: 'administrator',
    answers: { 200: { description: 'The anomaly', schema: named('AnomalyDetails') } },
    problems: ['not-found'],
  },
  'POST /admin/audit/verify': {
    id: 'verifyAuditRecord',
    tag: 'Administration: audit',
    summary: 'Check that nobody has changed, taken away or added a record; changes nothing',
    caller: 'administrator',
    answers: {
      200: {
        description: 'Whether it holds, and the first record that does not',
        schema: named('AuditVerdict'),
      },
    },
    problems: ['overloaded'],
  },
}
