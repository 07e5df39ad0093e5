import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { webhookEvents } from '../packages/console/src/data/webhook-events.ts'
import { anomalies } from '../packages/console/src/text/english/anomalies.ts'
import { audit } from '../packages/console/src/text/english/audit.ts'
import { refusals } from '../packages/console/src/text/english/refusals.ts'
import { ruleIds } from '../packages/identity/src/domain/anomalies/rules.ts'
import { auditVocabulary } from '../packages/identity/src/domain/audit-vocabulary.ts'
import { eventTypes, operatorEventTypes } from '../packages/identity/src/domain/security-events.ts'
import { root } from './source-tree.ts'

test('the console has words for every kind of the audit record and every rule, and for no other', () => {
  assert.deepEqual(Object.keys(audit.kinds).toSorted(), Object.keys(auditVocabulary).toSorted())
  assert.deepEqual(Object.keys(anomalies.rules).toSorted(), ruleIds.toSorted())
})

test('what the console has words for as a reason is one', () => {
  const documented = readFileSync(join(root, 'docs', 'logs.md'), 'utf8')
  const reasons = Object.keys(refusals)
  assert.ok(reasons.length >= 20)
  // `other` stands for those of newer services that identity does not know.
  const unknown = reasons.filter(
    (reason) => reason !== 'other' && !documented.includes(`\`${reason}\``),
  )
  assert.deepEqual(unknown, [])
})

test('the console offers every event that a webhook can hear of', () => {
  const events = Object.keys({ ...eventTypes, ...operatorEventTypes })
  assert.deepEqual(webhookEvents.toSorted(), events.toSorted())
})
