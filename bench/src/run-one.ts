import process from 'node:process'
import { parseArgs } from 'node:util'
import { benchmarks } from './benchmarks.ts'
import { missedGoal } from './exit-code.ts'
import { isReached, tableOf, writeResults } from './results.ts'
import { fullPlan, quickPlan } from './rounds.ts'

/** Measures one benchmark in this process, which `main.ts` has pinned. Ends with `missedGoal` when one was. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
})
const [id] = positionals
const benchmark = benchmarks.find((known) => known.id === id)
if (benchmark === undefined) throw new TypeError(`there is no benchmark ${String(id)}`)

const plan = values.quick ? quickPlan : fullPlan
const { measure } = await benchmark.load()
const findings = await measure(plan)
if (findings.rows.length === 0) throw new Error(`${benchmark.id} has measured nothing`)
if (plan.isQuick) {
  process.stdout.write(`${benchmark.id} runs: ${findings.rows.length} rows\n`)
} else {
  process.stdout.write(tableOf(benchmark, findings))
  writeResults(benchmark, plan, findings)
  process.exitCode = isReached(findings) ? 0 : missedGoal
}
