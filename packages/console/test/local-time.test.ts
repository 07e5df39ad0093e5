import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isoText, localText } from '../src/data/local-time.ts'

test('an instant is shown in the time of whoever looks, and is the same one again when it is taken back', () => {
  const before = process.env['TZ']
  try {
    for (const [zone, shown] of [
      ['Asia/Kolkata', '2026-01-31T12:00'],
      ['America/New_York', '2026-01-31T01:30'],
      ['UTC', '2026-01-31T06:30'],
    ] as const) {
      process.env['TZ'] = zone
      assert.equal(localText('2026-01-31T06:30:00.000Z'), shown, zone)
      assert.equal(isoText(shown), '2026-01-31T06:30:00.000Z', zone)
    }
    assert.equal(localText('2026-01-31T06:30:07.123Z'), '2026-01-31T06:30:07')
  } finally {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  }
})

test('what is no moment is none', () => {
  assert.equal(localText('yesterday'), '')
  assert.equal(localText(''), '')
  assert.equal(isoText(''), '')
})
