import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rules } from '../src/domain/anomalies/rules.ts'
import { createAttacks } from './anomaly-attacks.ts'
import { createWeek } from './anomaly-week.ts'
import type { Expected, FoundAnomaly } from './anomaly-world.ts'
import { dayMs, mondayMs, runHappenings } from './anomaly-world.ts'

/** Thresholds were chosen with the first; what is promised is judged with the others alone. */
const tuningSeeds = [1, 2]
const judgingSeeds = [48_611, 48_612, 48_613, 48_614]
const falseAlarmsADayMax = 1
const days = 7

function isAlarm({ rule }: FoundAnomaly): boolean {
  return rules[rule].severity !== 'notice'
}

function fits(expected: Expected, { rule, subject, firstAt }: FoundAnomaly): boolean {
  const isSame = rule === expected.rule && subject === expected.subject
  return isSame && firstAt >= expected.from && firstAt <= expected.until
}

for (const seed of [...tuningSeeds, ...judgingSeeds]) {
  test(`a week of normal traffic has at most one false alarm a day, and each attack in it is found (seed ${seed})`, (t) => {
    const week = createWeek(seed)
    assert.ok(week.happenings.length > 50_000)
    const attacks = createAttacks(seed, week)
    assert.ok(attacks.length >= 15)

    const attacked = [...week.happenings, ...attacks.flatMap(({ happenings }) => happenings)]
    const found = runHappenings(attacked)
    const expected = attacks.flatMap((attack) => attack.expected)
    const missed = expected.filter((one) => !found.some((anomaly) => fits(one, anomaly)))
    const falseAlarms = found.filter(
      (anomaly) => isAlarm(anomaly) && !expected.some((one) => fits(one, anomaly)),
    )
    const devices = found.filter(({ rule }) => rule === 'new-device')
    const perDay = Array.from({ length: days }, (_, day) => {
      const from = mondayMs + day * dayMs
      return falseAlarms.filter(({ firstAt }) => firstAt >= from && firstAt < from + dayMs).length
    })
    t.diagnostic(
      `seed ${seed}: ${week.happenings.length} sightings; false alarms by day ${perDay.join(' ')}; ` +
        `${attacks.length} attacks, ${expected.length} anomalies expected, ${missed.length} missed; ` +
        `${devices.length} new devices noticed`,
    )
    assert.deepEqual(missed, [])
    assert.ok(Math.max(...perDay) <= falseAlarmsADayMax, JSON.stringify(falseAlarms))
  })
}
