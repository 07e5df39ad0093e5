import { randomInt } from 'node:crypto'
import process from 'node:process'
import { readCommandLine, wholeNumber } from '../../tools/command-line.ts'
import { runCampaign } from './campaign.ts'
import { gapsIn } from './expectations.ts'
import type { Failure } from './lived.ts'
import { liveShare } from './lived.ts'
import { runMutants } from './mutants.ts'

const usage = `Usage: npm run simulate -- [options]

Lives through random schedules of nodes, stores, ways and clocks. Ends with 1 when a promise was broken.

  --schedules N   how many; default 1000
  --seed S        the same ones again; default: others each time
  --schedule K    only this one of that seed
  --mutants       break rules on purpose, and end with 1 when one of them is not found out
  --rule WORDS    of these only those whose name has these words`

/**
 * `npm run simulate -- --schedules N --seed S [--schedule K] [--mutants [--rule WORDS]]`: identity, its store, the network, services
 * and thieves in a time of their own. Ends with 1 at the first schedule in which a promise is broken; `--schedule`
 * lives through that one again. With `--mutants` rules are broken on purpose, and it ends with 1 when one of them is
 * not found out.
 */
const { values } = readCommandLine(usage, {
  options: {
    schedules: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
    schedule: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    rule: { type: 'string', default: '' },
  },
})
const seed = wholeNumber('--seed', values.seed)
const schedules = wholeNumber('--schedules', values.schedules)
process.stdout.write(`seed ${seed}\n`)

if (values.mutants) await findMutants()
else if (values.schedule === undefined) await liveThroughAll()
else await replay(wholeNumber('--schedule', values.schedule))

async function liveThroughAll(): Promise<void> {
  const startedAt = performance.now()
  const { lived, counts, failure } = await runCampaign({ seed, schedules, first: 0 })
  const seconds = (performance.now() - startedAt) / 1000
  for (const [what, times] of Object.entries(counts)) process.stdout.write(`${times} ${what}\n`)
  const pace = (lived / seconds).toFixed(1)
  process.stdout.write(`${lived} schedules in ${seconds.toFixed(1)} s, ${pace} a second\n`)
  if (failure !== undefined) return tell(failure)
  const gaps = gapsIn(counts, lived)
  if (gaps.length === 0) {
    process.stdout.write('every promise was kept\n')
    return
  }
  process.stderr.write(`too little has happened:\n  ${gaps.join('\n  ')}\n`)
  process.exitCode = 1
}

async function replay(schedule: number): Promise<void> {
  const share = { seed, first: schedule, step: 1, until: schedule + 1 }
  const { failure } = await liveShare(share, { shrinks: true })
  if (failure !== undefined) tell(failure)
  else process.stdout.write(`schedule ${schedule}: every promise was kept\n`)
}

async function findMutants(): Promise<void> {
  const survivors = await runMutants({
    seed,
    schedules,
    words: values.rule,
    tell: (line) => process.stdout.write(line),
  })
  if (survivors.length === 0) return
  process.stderr.write(`nobody has noticed: ${survivors.join('; ')}\n`)
  process.exitCode = 1
}

function tell({ schedule, why, plan, story }: Failure): void {
  const { config, maxStalenessMs, events } = plan
  const planned = events.map(
    ({ at, kind, what }) => `${String(at).padStart(8)} ms  ${kind}: ${what}`,
  )
  process.stderr.write(
    [
      `a promise was broken: ${why}`,
      `seed ${seed}, schedule ${schedule}: ${JSON.stringify({ ...config, maxStalenessMs })}`,
      'planned:',
      ...planned,
      'and so it went:',
      ...story,
      `live through it again: npm run simulate -- --seed ${seed} --schedule ${schedule}`,
      '',
    ].join('\n'),
  )
  process.exitCode = 1
}
