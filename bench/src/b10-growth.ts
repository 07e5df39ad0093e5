import { measureFeed } from './feed-growth.ts'
import type { Findings, Row } from './findings.ts'
import { atMost, rateRow, ratioOf, samplesOf, spreadOf } from './findings.ts'
import { loadOf } from './http-load.ts'
import { audience, makeIdentityFolder, removeFolder, startIdentityIn } from './identity-server.ts'
import { ourRefresh, refreshInTurn } from './refreshing.ts'
import type { Plan } from './rounds.ts'
import { interleave, serverPlan } from './rounds.ts'
import type { Running } from './running.ts'
import { endAll } from './running.ts'

const sizes = [10_000, 100_000, 1_000_000] as const
const quickSizes = [100, 200, 400] as const
/** Against the smallest. */
const growthMax = 1.2

/** The refresh with more and more sessions, and the feed with more and more revocations. */
export async function measure(plan: Plan): Promise<Findings> {
  const feed = await measureFeed(plan)
  const refresh = await measureRefresh(plan)
  return {
    rows: [...refresh.rows, ...feed.rows],
    ratios: refresh.ratios,
    mustReach: [...refresh.mustReach, ...feed.mustReach],
    moonshots: [...refresh.moonshots, ...feed.moonshots],
    notes: [...refresh.notes, ...feed.notes],
  }
}

/** That of B5. ES256, because the store is the larger share there. */
async function measureRefresh(plan: Plan): Promise<Findings> {
  const [smallest, ...larger] = plan.isQuick ? quickSizes : sizes
  const running: Grown[] = []
  try {
    for (const size of [smallest, ...larger]) running.push(await runWith(size))
    const contestants = running.map(({ contestant }) => contestant)
    const samples = await interleave(contestants, serverPlan(plan))
    const ratios = larger.map((size) =>
      ratioOf(
        `${nameOf(size)} to ${nameOf(smallest)}, time of one refresh`,
        samplesOf(samples, nameOf(size)),
        samplesOf(samples, nameOf(smallest)),
      ),
    )
    return {
      rows: [
        ...[...samples].map(([name, each]) => rateRow(name, each)),
        ...running.map(({ contestant, startMs }): Row => {
          const spread = spreadOf([startMs])
          return { name: `${contestant.name}: ready`, unit: 'ms', ...spread }
        }),
      ],
      ratios,
      mustReach: ratios.map(({ name, median }) => atMost(name, median, growthMax)),
      moonshots: [],
      notes: [
        'refresh: with a grace window of 0 s, because 10,000 sessions come round within 30 s',
      ],
    }
  } finally {
    await endAll(running)
  }
}

interface Grown extends Running {
  /** The store is checked at each start. */
  readonly startMs: number
}

async function runWith(sessions: number): Promise<Grown> {
  const folder = await makeIdentityFolder(sessions)
  const server = await startIdentityIn(folder, 'ES256', { refreshGraceSeconds: 0 })
  const askOnce = refreshInTurn(folder.refreshTokens, { ...ourRefresh, audience })
  return {
    startMs: server.startMs,
    contestant: loadOf(nameOf(sessions), server, askOnce),
    end: async () => {
      await server.stop()
      removeFolder(folder)
    },
  }
}

function nameOf(sessions: number): string {
  return `${sessions} sessions`
}
