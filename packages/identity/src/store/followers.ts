import type {
  Follower,
  FollowerPage,
  FollowerSoftware,
  FollowerStore,
  PositionReport,
} from '../domain/followers.ts'
import { clockDifferenceMsMax, followerLiveMs, maxStalenessMsMax } from '../domain/followers.ts'
import { integer, optionalInteger, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { readHead } from './revocation-rows.ts'
import { readClock } from './revocations.ts'

/** A place in the present epoch of a follower, and when it came there by the store's clock. */
export type Arrival = readonly [seq: number, at: number]

/** So many places are known of each follower: receipts are asked for soon, or not at all. */
export const arrivalsMax = 32
/** What one step takes away at most, so that nobody waits for it. */
const forgottenAtOnceMax = 1000

export function createFollowerStore(database: Database): FollowerStore {
  return {
    report: (report) => database.transaction((query) => keep(query, report)),
    leave: async ({ clientId, follower }) => {
      await database.write('DELETE FROM followers WHERE client_id = $1 AND follower = $2', [
        clientId,
        follower,
      ])
    },
    list: (page) => list(database.read, page),
    forget: async () => {
      const forgotten = await database.write(
        `DELETE FROM followers WHERE (client_id, follower) IN (
           SELECT client_id, follower FROM followers
           WHERE reported_at <= statement_now() - 2 * greatest($1, coalesce(max_staleness_ms, $2) + $3)
           ORDER BY client_id, follower LIMIT $4 FOR UPDATE)
         RETURNING follower`,
        [followerLiveMs, maxStalenessMsMax, clockDifferenceMsMax, forgottenAtOnceMax],
      )
      return forgotten.length
    },
  }
}

async function keep(query: Query, report: PositionReport): Promise<'kept' | 'ahead'> {
  const { clientId, follower, position, appliedMsAgo, maxStalenessMs } = report
  const { software, checkpointMsAgo } = report
  const head = await readHead(query)
  if (position.epoch === head.epoch && position.seq > head.seq) return 'ahead'
  const [held] = await query(
    `SELECT epoch, arrivals FROM followers WHERE client_id = $1 AND follower = $2 FOR UPDATE`,
    [clientId, follower],
  )
  const now = await readClock(query)
  const known = held !== undefined && text(held, 'epoch') === position.epoch ? arrivalsOf(held) : []
  const arrivals = withArrival(known, [position.seq, now - appliedMsAgo])
  await query(
    `INSERT INTO followers (client_id, follower, epoch, arrivals, reported_at, max_staleness_ms,
                            software, version, checkpoint_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (client_id, follower) DO UPDATE
     SET epoch = excluded.epoch, arrivals = excluded.arrivals, reported_at = excluded.reported_at,
         max_staleness_ms = excluded.max_staleness_ms, software = excluded.software,
         version = excluded.version, checkpoint_at = excluded.checkpoint_at`,
    [
      clientId,
      follower,
      position.epoch,
      JSON.stringify(arrivals),
      now,
      maxStalenessMs ?? null,
      software?.name ?? null,
      software?.version ?? null,
      checkpointMsAgo === undefined ? null : now - checkpointMsAgo,
    ],
  )
  return 'kept'
}

/** The newest first. An applied state never goes back, so what is no further tells nothing new. */
function withArrival(known: readonly Arrival[], arrival: Arrival): readonly Arrival[] {
  const [latest] = known
  if (latest !== undefined && arrival[0] <= latest[0]) return known
  return [arrival, ...known].slice(0, arrivalsMax)
}

const live = 'reported_at > statement_now() - $1'

async function list(read: Query, { limit, after }: FollowerPage): Promise<readonly Follower[]> {
  const rows = await read(
    `SELECT * FROM followers WHERE ${live} AND (client_id, follower) > ($2, $3)
     ORDER BY client_id, follower LIMIT $4`,
    [followerLiveMs, after?.clientId ?? '', after?.follower ?? '', limit],
  )
  return rows.map((row) => followerOf(row, arrivalsOf(row)))
}

export function followerOf(row: Row, [latest]: readonly Arrival[]): Follower {
  if (latest === undefined) throw new TypeError('a follower has come nowhere')
  return {
    clientId: text(row, 'client_id'),
    follower: text(row, 'follower'),
    position: { epoch: text(row, 'epoch'), seq: latest[0] },
    appliedAt: latest[1],
    reportedAt: integer(row, 'reported_at'),
    maxStalenessMs: optionalInteger(row, 'max_staleness_ms'),
    software: softwareOf(row),
    checkpointAt: optionalInteger(row, 'checkpoint_at'),
  }
}

function softwareOf(row: Row): FollowerSoftware | undefined {
  const name = optionalText(row, 'software')
  return name === undefined ? undefined : { name, version: optionalText(row, 'version') }
}

export function arrivalsOf(row: Row): readonly Arrival[] {
  return JSON.parse(text(row, 'arrivals')) as readonly Arrival[]
}
