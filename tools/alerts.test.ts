import assert from 'node:assert/strict'
import type { SpawnSyncReturns } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMetrics } from '@portcullis/runtime'
import { parse } from 'yaml'
import { howToGet, promtool } from './debian-packages.ts'
import { rowsOf, textAt } from './document-tables.ts'
import type { PromqlSelector } from './promql.ts'
import { readPromql } from './promql.ts'
import { root } from './source-tree.ts'

/*
 * The dashboard and the alert rules ask for what the processes tell: docs/metrics.md is held against them by
 * e2e/metrics.test.ts, and what prom-client tells of a process is asked here of one.
 */

interface Metric {
  readonly kind: string
  readonly labels: readonly string[]
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: Readonly<Record<'h' | 'w' | 'x' | 'y', number>>
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const folder = join(root, 'deploy', 'prometheus')
const { groups } = parse(readFileSync(join(folder, 'alerts.yml'), 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const { panels } = JSON.parse(
  readFileSync(join(root, 'deploy/grafana/portcullis.json'), 'utf8'),
) as { readonly panels: readonly Panel[] }
const targets = panels.flatMap((panel) => panel.targets ?? [])
const known = await knownMetrics()

function namesIn(cell: string): readonly string[] {
  return Array.from(cell.matchAll(/`(\w+)`/g), ([, name = '']) => name)
}

async function knownMetrics(): Promise<ReadonlyMap<string, Metric>> {
  const rows = rowsOf('docs/metrics.md', 5).slice(1)
  assert.ok(rows.length >= 19)
  const ours = rows.map(([name = '', kind = '', labels = '']): [string, Metric] => [
    namesIn(name)[0] ?? '',
    { kind, labels: namesIn(labels) },
  ])
  const { text } = await createMetrics().exposition()
  const ofProcess = Array.from(
    text.matchAll(/^# TYPE (\w+) (\w+)$/gm),
    ([, name = '', kind = '']): [string, Metric] => [name, { kind, labels: [] }],
  )
  assert.ok(ofProcess.length >= 20)
  // Of Prometheus itself.
  return new Map([...ours, ...ofProcess, ['up', { kind: 'gauge', labels: [] }]])
}

const ofScrape = ['job', 'instance']

/** By the name in an expression, which for a histogram is that of one of its parts. */
function metricOf(name: string): Metric {
  const [, base = '', part] = /^(\w+?)(_bucket|_count|_sum)?$/.exec(name) ?? []
  const histogram = part === undefined ? undefined : known.get(base)
  if (histogram?.kind === 'histogram') {
    const labels = part === '_bucket' ? [...histogram.labels, 'le'] : histogram.labels
    return { kind: 'counter', labels }
  }
  const metric = known.get(name) ?? assert.fail(`there is no metric ${name}`)
  assert.notEqual(metric.kind, 'histogram', `${name} is a histogram: ask for one of its parts`)
  return metric
}

const ofCounters: ReadonlySet<string | undefined> = new Set(['rate', 'increase', 'irate'])

function checkSelector({ metric, matchers, within }: PromqlSelector): void {
  const { kind, labels } = metricOf(metric)
  if (ofCounters.has(within)) assert.equal(kind, 'counter', `${within}(${metric})`)
  for (const { label, value } of matchers) {
    assert.ok([...labels, ...ofScrape].includes(label), `${metric} has no label ${label}`)
    for (const one of valuesIn(value)) checkValue(label, one)
  }
}

/** `a|b` is two; what is more of a pattern is about routes and jobs, and none of these. */
function valuesIn(value: string): readonly string[] {
  return /^[\w|-]+$/.test(value) ? value.split('|') : []
}

/** The first cells of the tables that have so many columns. */
function firstCells(page: string, columns: number): ReadonlySet<string> {
  const lines = readFileSync(join(root, page), 'utf8').match(/^\| `.*\|$/gm) ?? []
  const found = lines
    .filter((line) => line.split('|').length === columns + 2)
    .flatMap((line) => /^\| `([\w-]+)`/.exec(line)?.[1] ?? [])
  assert.ok(found.length > 10, `${page} has no such table`)
  return new Set(found)
}

const kinds = firstCells('docs/audit.md', 3)

function checkValue(label: string, value: string): void {
  if (label === 'kind') assert.ok(kinds.has(value), `there is no kind of event ${value}`)
}

function labelsOf(expression: string): ReadonlySet<string> {
  const { selectors } = readPromql(expression)
  return new Set([...selectors.flatMap(({ metric }) => metricOf(metric).labels), ...ofScrape])
}

function check(expression: string): void {
  const { selectors, grouping } = readPromql(expression)
  assert.ok(selectors.length > 0, `${expression} asks for nothing`)
  for (const selector of selectors) checkSelector(selector)
  const labels = labelsOf(expression)
  for (const label of grouping)
    assert.ok(labels.has(label), `nothing in ${expression} has ${label}`)
}

/** What an aggregation leaves; all labels where there is none. */
function labelsLeft(expression: string): ReadonlySet<string> {
  const isAggregated = /^(?:sum|max|min|count|histogram_quantile)\b/.test(expression)
  return isAggregated ? new Set(readPromql(expression).grouping) : labelsOf(expression)
}

test('every alert asks for what there is, and says how bad it is, what it means, and what to do', () => {
  assert.ok(rules.length >= 25)
  const names = rules.map(({ alert }) => alert)
  for (const { alert, expr, labels, annotations } of rules) {
    check(expr)
    assert.match(labels.severity, /^(?:critical|warning)$/, alert)
    const used = annotations.summary.matchAll(/\$labels\.(\w+)/g)
    for (const [, label = ''] of used)
      assert.ok(labelsLeft(expr).has(label), `${alert} has no ${label}`)
    assert.ok(textAt(annotations.runbook).length > 80, alert)
  }
  assert.equal(new Set(names).size, names.length)
  const page = readFileSync(join(root, 'docs/alerts.md'), 'utf8')
  const sections = Array.from(page.matchAll(/^## (\w+)$/gm), ([, name = '']) => name)
  // An alert of two thresholds has one section.
  const expected = new Set(rules.map(({ annotations: { runbook } }) => runbook.split('#')[1] ?? ''))
  assert.deepEqual(sections.map((name) => name.toLowerCase()).toSorted(), [...expected].toSorted())
  for (const name of sections) assert.ok(names.includes(name), `${name} is no alert`)
})

test('every panel of the dashboard asks for what there is, and says what it shows', () => {
  assert.ok(targets.length >= 30)
  for (const { expr, legendFormat } of targets) {
    const expression = expr.replaceAll('$__rate_interval', '5m')
    check(expression)
    const used = legendFormat.matchAll(/\{\{(\w+)\}\}/g)
    for (const [, label = ''] of used)
      assert.ok(labelsLeft(expression).has(label), `${expr} has no ${label}`)
  }
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Set<string>()
  for (const { type, title, description, gridPos } of panels) {
    if (type !== 'row') assert.match(description ?? '', /\.$/, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(x < 24 && !taken.has(`${x},${y}`), `${title} lies over another panel`)
        taken.add(`${x},${y}`)
      }
    }
  }
})

test('each metric of ours is watched by a panel or an alert', () => {
  const expressions = [...rules, ...targets].map(({ expr }) => expr).join('\n')
  const ours = [...known.keys()].filter((name) => name.startsWith('portcullis_'))
  for (const name of ours) assert.ok(expressions.includes(name), `nobody looks at ${name}`)
})

test('an hour in which all is well raises no alert, and one in which everything goes wrong raises each', (t) => {
  const program = promtool.find()
  if (program === undefined) {
    t.skip(howToGet(promtool))
    return
  }
  const commands: readonly (readonly string[])[] = [
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]
  for (const parameters of commands) {
    const checked: SpawnSyncReturns<string> = spawnSync(program, parameters, {
      cwd: folder,
      encoding: 'utf8',
    })
    assert.equal(checked.status, 0, `${checked.stdout}${checked.stderr}`)
  }
  const tested = readFileSync(join(folder, 'alerts.test.yml'), 'utf8')
  for (const { alert } of rules) assert.ok(tested.includes(`alertname="${alert}"`), alert)
})
