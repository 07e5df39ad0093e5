import type { RevocationKind } from '@portcullis/protocol/revocations'
import { decodeRecords } from '@portcullis/protocol/revocations'
import type { Row } from '../../packages/identity/src/store/database.ts'
import { Broken } from './faults.ts'
import type { SimulatedFollower } from './services.ts'
import type { World } from './world.ts'

/** Ends are kept by the minute, rounded up. */
const minuteMs = 60_000

/** What stands in a log or in a table of one thing: the highest floor, and the latest end. */
interface Entry {
  readonly floor: number
  readonly until: number
}

/**
 * Ends a service, and holds everything that it would take over into another life against the log: nothing is missing
 * of what is in force, and nothing is there that no log has ever had.
 */
export async function judgeWhole(world: World, follower: SimulatedFollower): Promise<void> {
  const { primary, issuerHighMs, tally } = world
  const verifier = follower.verifier()
  const inForce = primary?.look('SELECT kind, fingerprint, floor, until FROM revocations') ?? []
  const kept = await follower.stop()
  // Of a life that is over nobody hears what it has kept.
  if (verifier !== follower.verifier()) return
  const records = decodeRecords(kept?.records ?? Buffer.alloc(0))
  if (records === undefined) throw new Broken(`${follower.name} keeps what nobody can read`)
  const table = entriesOf(
    records.map(({ kind, fingerprint, floor, until = Infinity }) => {
      return [nameOf(kind, fingerprint.toString(16)), { floor, until }]
    }),
  )
  for (const [name, { floor, until }] of entriesOf(inForce.map(entryOfRow))) {
    // Whoever has believed the clock that was furthest ahead may have dropped it.
    if (until <= issuerHighMs + minuteMs) continue
    const held = table.get(name)
    if (held !== undefined && held.floor >= floor && held.until >= until) continue
    throw new Broken(`${follower.name} lacks ${name} from ${floor}: ${JSON.stringify(held)}`)
  }
  judgeOrigin(world, follower, table)
  tally.count('tables as the log has them')
  tally.count('records as the log has them', table.size)
}

function judgeOrigin(
  { sites }: World,
  { name: follower }: SimulatedFollower,
  table: ReadonlyMap<string, Entry>,
): void {
  const ever = sites.flatMap(({ server }) => server.recordsEver()).map(entryOfRow)
  const latest = entriesOf(ever)
  const floors = new Set(ever.map(([name, { floor }]) => `${name} from ${floor}`))
  for (const [name, { floor, until }] of table) {
    const isOfALog = floors.has(`${name} from ${floor}`)
    if (isOfALog && until < (latest.get(name)?.until ?? 0) + minuteMs) continue
    if (isOfALog && until === latest.get(name)?.until) continue
    throw new Broken(`${follower} has ${name} from ${floor} until ${until}, and no log ever had`)
  }
}

function entryOfRow(row: Row): readonly [name: string, entry: Entry] {
  const { kind, fingerprint, floor, until } = row
  const name = nameOf(String(kind) as RevocationKind, String(fingerprint))
  const isForEver = until === null || kind === 'all'
  return [name, { floor: Number(floor), until: isForEver ? Infinity : Number(until) }]
}

/** There is one of everybody, which a table holds for ever and without a fingerprint. */
function nameOf(kind: RevocationKind, fingerprint: string): string {
  return kind === 'all' ? 'all' : `${kind} ${fingerprint.padStart(16, '0')}`
}

function entriesOf(
  entries: readonly (readonly [name: string, entry: Entry])[],
): ReadonlyMap<string, Entry> {
  const joined = new Map<string, Entry>()
  for (const [name, { floor, until }] of entries) {
    const known = joined.get(name)
    joined.set(name, {
      floor: Math.max(floor, known?.floor ?? 0),
      until: Math.max(until, known?.until ?? 0),
    })
  }
  return joined
}
