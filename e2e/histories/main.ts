import { randomInt } from 'node:crypto'
import process from 'node:process'
import { inspect } from 'node:util'
import { readCommandLine, wholeNumber } from '../../tools/command-line.ts'
import { runCampaign } from './campaign.ts'

const usage = `Usage: npm run test:histories -- [options]

Lives through random histories of deeds at the same time. Ends with 1 at the first that no order of its deeds explains.

  --histories N   how many on SQLite; default 10000
  --postgres N    how many on PostgreSQL; default 300
  --http N        how many over HTTP; default 300
  --seed S        the same ones again; default: others each time
  --path P        only the one that a failure has named so`

/**
 * `npm run test:histories -- --histories N --postgres N --http N --seed S`: random histories of accounts,
 * for as long as one likes. Ends with 1 at the first that no order of its deeds explains.
 */
const { values } = readCommandLine(usage, {
  options: {
    histories: { type: 'string', default: '10000' },
    postgres: { type: 'string', default: '300' },
    http: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
    path: { type: 'string' },
  },
})
const seed = wholeNumber('--seed', values.seed)
process.stdout.write(`seed ${seed}\n`)

try {
  await runCampaign({
    histories: wholeNumber('--histories', values.histories),
    postgresHistories: wholeNumber('--postgres', values.postgres),
    httpHistories: wholeNumber('--http', values.http),
    seed,
    path: values.path,
    onPart: (told) => process.stdout.write(`${told}\n`),
  })
} catch (error) {
  // With its causes: the history, and what of it nothing explains.
  process.stderr.write(`this did not hold: ${inspect(error)}\nseed ${seed}\n`)
  process.exitCode = 1
}
