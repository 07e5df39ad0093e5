import { randomInt } from 'node:crypto'
import process from 'node:process'
import { test } from 'node:test'
import { runCampaign } from './histories/campaign.ts'

// `npm run verify` lives through ten thousand by the command below; here are a few, for every change.
const campaign = { histories: 120, postgresHistories: 6, httpHistories: 8 }

test('whatever happens to an account at the same time, every answer is one that some order explains', async (t) => {
  const seed = Number(process.env['PORTCULLIS_TEST_SEED'] ?? randomInt(1_000_000_000))
  const { histories, postgresHistories, httpHistories } = campaign
  t.diagnostic(
    `repeat it with: npm run test:histories -- --histories ${histories} --postgres ${postgresHistories} ` +
      `--http ${httpHistories} --seed ${seed}`,
  )
  await runCampaign({ ...campaign, seed, onPart: (told) => t.diagnostic(told) })
})
