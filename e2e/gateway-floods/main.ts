import process from 'node:process'
import { endAsMisused, readCommandLine, wholeNumber } from '../../tools/command-line.ts'
import { newFolder, removeFolder } from '../running-system.ts'
import { runFloods } from './run.ts'
import { faultsIn, lineOf } from './verdict.ts'

const usage = `Usage: npm run test:floods -- [options]

Floods one gateway, with one kind of flood after the other, and tells how long ordinary callers wait meanwhile, and what
the gateway needs. Ends with 1 when memory has no bound, when a caller is refused, or waits twice as long. Needs Linux.

  --seconds N       how long is measured, before and during; default 5
  --rounds N        how often each flood comes and goes; default 3
  --only WORDS      only those floods whose name has these words
  --without-times   how long callers wait is only told: for machines that have other work`

/** `npm run test:floods -- --seconds N --rounds N` */
const { values } = readCommandLine(usage, {
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    'without-times': { type: 'boolean', default: false },
  },
})
const seconds = wholeNumber('--seconds', values.seconds, 1)
const rounds = wholeNumber('--rounds', values.rounds, 1)
const folder = newFolder()

const reports = await runFloods({
  seconds,
  rounds,
  only: values.only,
  folder,
  onFlood: (report) => process.stdout.write(`${lineOf(report)}\n`),
})
removeFolder(folder)
if (reports.length === 0) endAsMisused(`there is no flood of ${values.only}`)
for (const fault of reports.flatMap((report) => faultsIn(report, !values['without-times']))) {
  process.stderr.write(`this did not hold: ${fault}\n`)
  process.exitCode = 1
}
