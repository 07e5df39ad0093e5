import { randomInt } from 'node:crypto'
import process from 'node:process'
import { inspect, parseArgs } from 'node:util'
import { runCampaign } from './campaign.ts'

/**
 * `npm run test:histories -- --histories N --postgres N --http N --seed S`: random histories of accounts,
 * for as long as one likes. Ends with 1 at the first that no order of its deeds explains.
 */
const { values } = parseArgs({
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

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$|^0$/.test(text)) return Number(text)
  process.stderr.write(`${name} must be a whole number below 1000000000\n`)
  process.exit(2)
}
