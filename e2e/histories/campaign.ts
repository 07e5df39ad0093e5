import assert from 'node:assert/strict'
import { runInProcess } from './in-process.ts'
import { runOverHttp } from './over-http.ts'
import type { Stores } from './stores.ts'
import { openPostgresStores, openSqliteStores } from './stores.ts'
import type { Tally } from './tally.ts'
import { createTally } from './tally.ts'

export interface Campaign {
  /** Histories in this process on SQLite. */
  readonly histories: number
  /** The same on PostgreSQL. */
  readonly postgresHistories: number
  /** Histories with real requests, on each engine. */
  readonly httpHistories: number
  readonly seed: number
  /** Of a history in this process that has failed. */
  readonly path?: string | undefined
  /** Said after each part. */
  readonly onPart: (told: string) => void
}

type Part = (stores: Stores, count: number, tally: Tally) => Promise<string | void>

/** Everything, part by part. Throws at the first history that fails, with what repeats it. */
export async function runCampaign(campaign: Campaign): Promise<void> {
  const { histories, postgresHistories, httpHistories, seed, path } = campaign
  const inProcess: Part = ({ create }, count, tally) =>
    runInProcess({ histories: count, seed, path, newStore: create, tally })
  const overHttp: Part = async ({ create, server }, count, tally) =>
    runOverHttp({ histories: count, seed, url: await create(), server, tally })

  await runPart('SQLite, in process', campaign, histories, ordered.sqlite, inProcess)
  await runPart('PostgreSQL, in process', campaign, postgresHistories, ordered.postgres, inProcess)
  await runPart('SQLite, over HTTP', campaign, httpHistories, durable.sqlite, overHttp)
  await runPart('PostgreSQL, over HTTP', campaign, httpHistories, durable.postgres, overHttp)
}

type OpenStores = () => Promise<Stores | undefined>

function storesOf(isDurable: boolean): Readonly<Record<'sqlite' | 'postgres', OpenStores>> {
  return {
    sqlite: async () => openSqliteStores({ isDurable }),
    postgres: () => openPostgresStores({ isDurable }),
  }
}

const durable = storesOf(true)
/** In one process nothing but the order of things matters. */
const ordered = storesOf(false)

async function runPart(
  name: string,
  { onPart, path }: Campaign,
  count: number,
  open: OpenStores,
  part: Part,
): Promise<void> {
  if (count === 0) return
  const startedAt = performance.now()
  const stores = await open()
  if (stores === undefined) return onPart(`LEFT OUT: ${name}: npm has no server for this machine`)
  const tally = createTally()
  try {
    const more = await part(stores, count, tally)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    onPart(
      [`${name}, ${seconds} s`, tally.told(), ...(more === undefined ? [] : [more])].join('\n  '),
    )
  } finally {
    await stores.close()
  }
  // What is replayed is a single history, and does what it does.
  if (path === undefined) assert.deepEqual(gapsIn(tally, count), [])
}

/** What the histories of a part did not do, so that they prove less than it seems. */
function gapsIn(tally: Tally, count: number): readonly string[] {
  const always: readonly (readonly [isMet: boolean, gap: string])[] = [
    [tally.histories() >= count, 'too few histories'],
    [tally.of('refresh', 'done') > 0, 'nothing was refreshed'],
    [tally.of('showing', 'done') > 0, 'no token lived'],
  ]
  // A few histories need not have done everything.
  if (count < 20) return gapsOf(always)
  const expectations: readonly (readonly [isMet: boolean, gap: string])[] = [
    ...always,
    // By chance some three in a hundred histories have one.
    [tally.thefts() >= Math.floor(count / 300), 'too few thefts'],
    [tally.of('refresh', 'done') > count / 2, 'too few refreshes'],
    [tally.of('refresh', 'refused') > 0, 'no refresh was refused'],
    [tally.of('refresh', 'unknown') > 0, 'no answer was lost'],
    [tally.of('password-change', 'done') > 0, 'no password was changed'],
    [tally.of('everywhere', 'done') > 0, 'nobody signed out everywhere'],
    [tally.of('block', 'done') > 0, 'nobody was blocked'],
    [tally.of('showing', 'done') > count / 2, 'too few tokens lived'],
  ]
  return gapsOf(expectations)
}

function gapsOf(
  expectations: readonly (readonly [isMet: boolean, gap: string])[],
): readonly string[] {
  return expectations.filter(([isMet]) => !isMet).map(([, gap]) => gap)
}
