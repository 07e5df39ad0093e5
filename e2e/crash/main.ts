import { randomInt } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { newFolder, removeFolder } from '../running-system.ts'
import { runCrashes } from './run.ts'
import { gapsIn, summaryOf } from './summary.ts'

/**
 * `npm run test:crash -- --kills N --engine sqlite|postgres --seed S`: the crash test for as long as one likes. Ends with 1 at
 * the first acknowledgement that does not hold, and leaves the store where it says.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    engine: { type: 'string', default: 'sqlite' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
  },
})
const kills = wholeNumber('--kills', values.kills)
const seed = wholeNumber('--seed', values.seed)
const { engine } = values
if (engine !== 'sqlite' && engine !== 'postgres') fail('--engine must be sqlite or postgres')
const killsPerLine = 25
const folder = newFolder()
process.stdout.write(`${kills} kills on ${engine}, seed ${seed}\n`)

try {
  const report = await runCrashes({
    kills,
    seed,
    engine,
    folder,
    onSurvived: (killed) => {
      if (killed % killsPerLine === 0) process.stdout.write(`${killed} kills survived\n`)
    },
  })
  removeFolder(folder)
  process.stdout.write(`${summaryOf(report)}\n`)
  const gaps = gapsIn(report, { kills, engine })
  if (gaps.length > 0) throw new Error(`the run proves too little: ${gaps.join(', ')}`)
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`this did not hold: ${text}\nthe store is in ${folder}\n`)
  process.exitCode = 1
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$|^0$/.test(text)) return Number(text)
  return fail(`${name} must be a whole number below 1000000000`)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
