import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from './benchmarks.ts'
import type { Findings, Goal } from './findings.ts'
import { canPin } from './pinning.ts'
import type { Plan } from './rounds.ts'

const folder = fileURLToPath(new URL('../results', import.meta.url))

/** Writes what a full run found. It is evidence and is committed, so it names no host and no path. */
export function writeResults({ id, title }: Benchmark, { rounds }: Plan, findings: Findings): void {
  const { rows, ratios, mustReach, moonshots, notes } = findings
  const results = {
    id,
    title,
    machine: machine(),
    node: process.versions.node,
    rounds,
    rows,
    ratios,
    mustReach,
    moonshots,
    notes,
    reached: isReached(findings),
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${id}.json`), `${JSON.stringify(results, undefined, 2)}\n`)
}

export function isReached({ mustReach }: Findings): boolean {
  return mustReach.every(({ reached }) => reached)
}

/** The findings as a person reads them. */
export function tableOf({ id, title }: Benchmark, findings: Findings): string {
  const { rows, ratios, mustReach, moonshots, notes } = findings
  const timed = rows.map(({ name, unit, median, min, max, cpu }) => [
    name,
    String(median),
    `${min} – ${max}`,
    cpu === undefined ? '' : String(cpu.median),
    unit,
  ])
  const compared = ratios.map(({ name, median, min, max }) => [
    name,
    String(median),
    `${min} – ${max}`,
  ])
  return [
    `\n${id}: ${title} (${machine()}, Node ${process.versions.node})`,
    ...columns([['', 'median', 'min – max', 'CPU', ''], ...timed]),
    ...(compared.length === 0 ? [] : columns([['', 'ratio', 'min – max'], ...compared])),
    ...mustReach.map((goal) => `${goal.reached ? 'reached' : 'MISSED '}  ${sentenceOf(goal)}`),
    ...moonshots.map((goal) => `moonshot${goal.reached ? '  ' : ' not'} ${sentenceOf(goal)}`),
    ...notes.map((note) => `note: ${note}`),
    '',
  ].join('\n')
}

function sentenceOf({ what, found, ...limits }: Goal): string {
  const limit =
    limits.atLeast === undefined ? `at most ${limits.atMost}` : `at least ${limits.atLeast}`
  return `${what}: ${found}, wanted ${limit}`
}

function columns(lines: readonly (readonly string[])[]): readonly string[] {
  const widths = (lines[0] ?? []).map((_head, at) =>
    Math.max(...lines.map((line) => (line[at] ?? '').length)),
  )
  return lines.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

function machine(): string {
  const all = cpus()
  const pinned = canPin ? ', each process on one core' : ', not pinned'
  return `${all[0]?.model.trim() ?? 'unknown'}, ${all.length} cores, ${platform()} ${arch()}${pinned}`
}
