import { randomInt } from 'node:crypto'
import process from 'node:process'
import { endAsMisused, readCommandLine, wholeNumber } from '../../tools/command-line.ts'
import { newFolder, removeFolder } from '../running-system.ts'
import { runCrashes } from './run.ts'
import { gapsIn, summaryOf } from './summary.ts'

const usage = `Usage: npm run test:crash -- [options]

Kills identity under load, again and again, and holds what it has acknowledged against what is there. Ends with 1 when
something is missing.

  --kills N                   how many; default 500
  --engine sqlite|postgres    default sqlite
  --seed S                    the same moments again, as far as there are such; default: others each time`

/**
 * `npm run test:crash -- --kills N --engine sqlite|postgres --seed S`: the crash test for as long as one likes. Ends with 1 at
 * the first acknowledgement that does not hold, and leaves the store where it says.
 */
const { values } = readCommandLine(usage, {
  options: {
    kills: { type: 'string', default: '500' },
    engine: { type: 'string', default: 'sqlite' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
  },
})
const kills = wholeNumber('--kills', values.kills)
const seed = wholeNumber('--seed', values.seed)
const { engine } = values
if (engine !== 'sqlite' && engine !== 'postgres')
  endAsMisused('--engine must be sqlite or postgres')
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
