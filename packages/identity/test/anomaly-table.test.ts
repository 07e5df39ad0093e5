import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Rule, RuleId } from '../src/domain/anomalies/rules.ts'
import { ruleIds, rules } from '../src/domain/anomalies/rules.ts'
import { anomalySettings } from '../src/settings/anomalies.ts'

const defaults: ReadonlyMap<string, unknown> = new Map(
  Object.entries(anomalySettings).map(([path, setting]) => [path, setting.default]),
)

/** With what is chosen by default, and by which setting. */
function whenOf({ when }: Rule): string {
  return when.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const path = `anomalies.${name}`
    assert.ok(defaults.has(path), `${path} is no setting`)
    return `${String(defaults.get(path))} (\`${path}\`)`
  })
}

function rowOf(id: RuleId): string {
  const rule: Rule = rules[id]
  const { severity, meaning, about, evidence, suggestion } = rule
  return [`\`${id}\``, severity, meaning, whenOf(rule), about, evidence, suggestion].join(' | ')
}

test('the table of the document is the table of rules', () => {
  const text = readFileSync(new URL('../../../docs/anomalies.md', import.meta.url), 'utf8')
  const [, table = ''] = /<!-- rules -->\n+(.*?)\n+<!-- \/rules -->/s.exec(text) ?? []
  const written = table
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .trim()
        .split(/ +\| +/)
        .join(' | '),
    )
  const expected = ruleIds.map(rowOf)
  assert.ok(expected.length >= 10)
  assert.deepEqual(written, expected, `write:\n${expected.map((row) => `| ${row} |`).join('\n')}`)
})

test('what strangers can cause ends and blocks nothing, in the types as in the table', () => {
  for (const id of ruleIds) {
    const rule: Rule = rules[id]
    if (rule.evidence === 'strangers') assert.deepEqual(rule.may, ['alert'], id)
  }
  const stuffing = rules['credential-stuffing']
  // @ts-expect-error: somebody who fails logins on purpose must not get others blocked.
  const blocking: Rule = { ...stuffing, may: ['alert', 'block-account'] }
  assert.ok(blocking)
})
