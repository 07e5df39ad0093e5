import assert from 'node:assert/strict'
import { test } from 'node:test'
import { webhookEvents } from '../packages/console/src/data/webhook-events.ts'
import { anomalies } from '../packages/console/src/text/english/anomalies.ts'
import { audit } from '../packages/console/src/text/english/audit.ts'
import { failures } from '../packages/console/src/text/english/failures.ts'
import { refusals } from '../packages/console/src/text/english/refusals.ts'
import { countNames } from '../packages/identity/src/domain/anomalies/anomalies.ts'
import { ruleIds } from '../packages/identity/src/domain/anomalies/rules.ts'
import { auditVocabulary } from '../packages/identity/src/domain/audit-vocabulary.ts'
import { eventTypes, operatorEventTypes } from '../packages/identity/src/domain/security-events.ts'
import { adminOperations } from '../packages/identity/src/http/openapi/admin-operations.ts'
import { clientOperations } from '../packages/identity/src/http/openapi/client-operations.ts'
import { adminStreamOperations } from '../packages/identity/src/http/openapi/stream-operations.ts'
import { readRefusalCodes } from './code-vocabulary.ts'

test('the console has words for every kind of the audit record and every rule, and for no other', () => {
  assert.deepEqual(Object.keys(audit.kinds).toSorted(), Object.keys(auditVocabulary).toSorted())
  assert.deepEqual(Object.keys(anomalies.rules).toSorted(), ruleIds.toSorted())
})

test('the console has words for whatever a rule counts, and for nothing else', () => {
  assert.deepEqual(Object.keys(anomalies.counts).toSorted(), countNames.toSorted())
})

test('the console has words for every reason of a refusal, and for no other', () => {
  const reasons = readRefusalCodes().map(({ code }) => code)
  // Identity counts what it does not know as `other`: newer services have newer reasons.
  assert.deepEqual(Object.keys(refusals).toSorted(), [...reasons, 'other'].toSorted())
  assert.ok(reasons.length >= 80, `only ${reasons.length} were found`)
})

const ofAnyOperation = [
  'malformed',
  'insufficient-scope',
  'too-large',
  'store-unavailable',
  'internal',
] as const

test('the console says what to do about every problem that an administrator can be answered with', () => {
  const operations = Object.values({
    ...adminOperations,
    ...adminStreamOperations,
    ...clientOperations,
  })
  const answered = new Set([
    ...operations.flatMap(({ problems = [] }) => problems),
    ...ofAnyOperation,
  ])
  assert.ok(answered.size >= 12, `only ${answered.size} were found`)
  assert.deepEqual(
    [...answered].filter((code) => !Object.hasOwn(failures.reasons, code)),
    [],
  )
})

test('the console offers every event that a webhook can hear of', () => {
  const events = Object.keys({ ...eventTypes, ...operatorEventTypes })
  assert.deepEqual(webhookEvents.toSorted(), events.toSorted())
})
