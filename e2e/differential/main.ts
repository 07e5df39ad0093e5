import { randomInt } from 'node:crypto'
import process from 'node:process'
import { readCommandLine, wholeNumber } from '../../tools/command-line.ts'
import type { Failure } from './campaign.ts'
import { runCampaign } from './campaign.ts'
import { runMutants } from './mutants.ts'

const usage = `Usage: npm run test:differential -- [options]

Sends random requests through a gateway, and compares what services got and what was answered with what a judge of its own says, octet by octet.
Ends with 1 at the first difference, and when less than 30 % were forwarded.

  --requests N   how many; default 100000
  --seed S       the same ones again; default: others each time
  --batch K      only this batch of that seed
  --mutants      break rules of the gateway on purpose, and end with 1 when one of them is not found out
  --rule WORDS   of these only those whose name has these words`

const { values } = readCommandLine(usage, {
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
    batch: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    rule: { type: 'string', default: '' },
  },
})
const seed = wholeNumber('--seed', values.seed)
const requests = wholeNumber('--requests', values.requests, 1)
const tell = (line: string): void => void process.stdout.write(`${line}\n`)
tell(`seed ${seed}`)

if (values.mutants) await findMutants()
else await compare()

async function compare(): Promise<void> {
  const batch = values.batch === undefined ? undefined : wholeNumber('--batch', values.batch)
  const outcome = await runCampaign({ seed, requests, batch, tell })
  const { forwarded, refused, unreadable, seconds, failure } = outcome
  const share = forwarded / outcome.requests
  tell(
    `${outcome.requests} requests in ${seconds.toFixed(1)} s, ${Math.round(outcome.requests / seconds)} a second: ` +
      `${forwarded} forwarded (${(share * 100).toFixed(1)} %), ${refused} refused, ${unreadable} that are no requests`,
  )
  if (failure !== undefined) tellFailure(failure)
  else if (batch === undefined && share < 0.3) fail('less than 30 % were forwarded')
  else tell('0 differences')
}

async function findMutants(): Promise<void> {
  const survivors = await runMutants({ seed, requests, words: values.rule, tell })
  if (survivors.length > 0) fail(`nobody has noticed: ${survivors.join('; ')}`)
}

function tellFailure({ batch, why, octets, shrunk }: Failure): void {
  tell(`sent:\n${shown(octets)}\nthe least that fails:\n${shown(shrunk)}`)
  fail(`${why}\nagain: npm run test:differential -- --seed ${seed} --batch ${batch}`)
}

/** As it would stand in a string, with long rows of one letter told by their length. */
function shown(octets: string): string {
  return JSON.stringify(octets).replaceAll(
    /(.)\1{20,}/g,
    (row, one) => `${one}<${row.length} of them>`,
  )
}

function fail(why: string): void {
  process.stderr.write(`${why}\n`)
  process.exitCode = 1
}
