import { randomInt } from 'node:crypto'
import process from 'node:process'
import { readCommandLine, wholeNumber } from '../../tools/command-line.ts'
import { newFolder, removeFolder } from '../running-system.ts'
import { runGatewaySoak } from './run.ts'
import { faultsIn, summaryOf } from './verdict.ts'

const usage = `Usage: npm run test:soak:gateway -- [options]

Loads one gateway with 70 % of what it can take, while services, settings, keys and sessions come and go. Judges
every answer. Ends with 1 when one is wrong, when memory grew, or when a connection is left. Needs Linux.

  --minutes N   how long; default 30
  --seed S      the same choices again; default: others each time`

/** `npm run test:soak:gateway -- --minutes N --seed S` */
const { values } = readCommandLine(usage, {
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
  },
})
const minutes = wholeNumber('--minutes', values.minutes, 1)
const seed = wholeNumber('--seed', values.seed)
const folder = newFolder()
process.stdout.write(`${minutes} minutes, seed ${seed}\n`)

const report = await runGatewaySoak({
  minutes,
  seed,
  folder,
  tell: (text) => process.stdout.write(`${text}\n`),
})
removeFolder(folder)
process.stdout.write(`${summaryOf(report)}\n`)
for (const fault of faultsIn(report)) {
  process.stderr.write(`this did not hold: ${fault}\n`)
  process.exitCode = 1
}
