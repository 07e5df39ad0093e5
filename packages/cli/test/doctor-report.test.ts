import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding, Report } from '@portcullis/doctor'
import { reportText } from '../src/doctor/report-text.ts'

function finding(weakness: Finding['weakness']): Finding {
  const evidence = [{ id: 'one', forges: 'something', saw: 'answered 200' }]
  const said = { title: 'title', meaning: `meaning of ${weakness}`, remedy: 'remedy' }
  return { weakness, severity: 'critical', ...said, references: [], evidence } as unknown as Finding
}

function reportWith(findings: readonly Finding[], notes: readonly Finding[] = []): Report {
  return {
    target: 'http://localhost:1',
    findings,
    notes,
    held: [],
    notJudged: [],
    notMade: [
      { id: 'a', why: 'only the issuer can make it' },
      { id: 'b', why: 'only the issuer can make it' },
    ],
    attacks: { made: 9, refused: 1, accepted: 8, noted: 0, notJudged: 0, notMade: 2 },
    revocation: { kind: 'not-tried', why: 'nobody asked' },
    requests: 10,
  } as unknown as Report
}

test('a report begins with it that no signature is verified, where unsigned and forged tokens are let in alike', () => {
  const all = reportText(reportWith([finding('unsigned'), finding('forged-signature')]))
  assert.match(all, /^NO SIGNATURE IS VERIFIED AT ALL: /)
  for (const weakness of ['unsigned', 'forged-signature'] as const) {
    assert.match(reportText(reportWith([finding(weakness)])), /^http:\/\/localhost:1: 1 finding/)
  }
})

test('a report says why attacks were not made, and what a note means', () => {
  const text = reportText(reportWith([], [finding('cacheable')]))
  assert.match(text, /\nNOT MADE\n {2}2: only the issuer can make it\n/)
  assert.match(text, /\nNOTES\n {2}title \(1 attack\): meaning of cacheable\n/)
})
