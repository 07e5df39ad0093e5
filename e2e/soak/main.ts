import { randomInt } from 'node:crypto'
import process from 'node:process'
import { readCommandLine, wholeNumber } from '../../tools/command-line.ts'
import { faultsIn, summaryOf } from './judge.ts'
import { runSoak } from './run.ts'

const usage = `Usage: npm run test:soak -- [options]

Sends hostile tokens to one verifier. Ends with 1 at the first wrong verdict, and when memory grew.

  --tokens N   how many; default 1000000
  --seed S     the same ones again; default: others each time`

/**
 * `npm run test:soak -- --tokens N --seed S`: hostile tokens at one verifier for as long as one likes.
 * Ends with 1 at the first wrong verdict, and when memory grew or something was fetched that should not.
 */
const { values } = readCommandLine(usage, {
  options: {
    tokens: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
  },
})
const tokens = wholeNumber('--tokens', values.tokens, 1)
const seed = wholeNumber('--seed', values.seed)
process.stdout.write(`${tokens} tokens, seed ${seed}\n`)

const report = await runSoak({
  tokens,
  seed,
  onTenth: (sent, heapBytes) => {
    process.stdout.write(`${sent} sent, ${(heapBytes / 2 ** 20).toFixed(1)} MiB\n`)
  },
})
process.stdout.write(`${summaryOf(report)}\n`)
for (const fault of faultsIn(report)) {
  process.stderr.write(`this did not hold: ${fault}\n`)
  process.exitCode = 1
}
