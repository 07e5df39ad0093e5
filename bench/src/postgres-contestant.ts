import { startPostgres } from '../../tools/postgres-server.ts'
import type { Row, Sample } from './findings.ts'
import { perSecond, spreadOf } from './findings.ts'
import { loadOf } from './http-load.ts'
import type { ServedAlgorithm } from './identity-server.ts'
import { audience, makeIdentityFolder, removeFolder, startIdentityIn } from './identity-server.ts'
import { measuredCore, pinnedTo } from './pinning.ts'
import { cpuUsOfFamily } from './process-facts.ts'
import { ourRefresh, provesItself, refreshInTurn } from './refreshing.ts'
import type { Running } from './running.ts'

export interface OnPostgres extends Running {
  /** What PostgreSQL itself used in the last rounds. It shares the core of the load, not that of identity. */
  readonly ownRow: (rounds: number) => Row
}

/** Identity on a durable PostgreSQL server of its own; undefined where npm has none for this machine. */
export async function runOnPostgres(
  algorithm: ServedAlgorithm,
  sessions: number,
): Promise<OnPostgres | undefined> {
  const startedBy = pinnedTo.bind(undefined, measuredCore)
  const postgres = await startPostgres({ isDurable: true, startedBy })
  const pid = postgres?.pid()
  if (postgres === undefined || pid === undefined) return undefined
  const folder = await makeIdentityFolder(sessions, postgres.url)
  const server = await startIdentityIn(folder, algorithm)
  const dialect = { ...ourRefresh, audience }
  const [first = '', ...others] = folder.refreshTokens
  await provesItself(server, folder.issuer, algorithm, dialect, first)
  const name = `${algorithm}: ours, PostgreSQL`
  const load = loadOf(name, server, refreshInTurn(others, dialect))
  const own: Sample[] = []
  const sample = async (roundMs: number): Promise<Sample> => {
    const cpuBefore = cpuUsOfFamily(pid)
    const startedAt = performance.now()
    const found = await load.sample(roundMs)
    const answers = ((performance.now() - startedAt) * 1000) / found.wallUs
    own.push({ wallUs: found.wallUs, cpuUs: (cpuUsOfFamily(pid) - cpuBefore) / answers })
    return found
  }
  return {
    contestant: { name, sample },
    ownRow: (rounds) => ({
      name: `${name}: its server, refreshes a second of CPU`,
      unit: '/s',
      ...spreadOf(own.slice(-rounds).map(({ cpuUs }) => perSecond(cpuUs))),
    }),
    end: async () => {
      await server.stop()
      removeFolder(folder)
      await postgres.remove()
    },
  }
}
