import type { AccessTokenClaims, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type {
  Fingerprint,
  RevocationKind,
  RevocationRecord,
} from '@portcullis/protocol/revocations'
import { fingerprintOf } from '@portcullis/protocol/revocations'

/** What is taken back, by fingerprint. It only ever grows, until an entry has outlived its tokens. */
export interface RevocationTable {
  /** Joins one record: sets grow and floors take the larger value. False when it was known already. */
  readonly join: (record: RevocationRecord) => boolean
  /** True when the token is revoked by `all`, its client, its account, its session or its own id. */
  readonly revokes: (claims: AccessTokenClaims) => boolean
  readonly revokesKey: (kid: string) => boolean
  /** Looks at a part of the entries and drops those that ended before; the next call takes the next part. */
  readonly sweep: (endedBeforeMs: number) => void
  /** How many entries are held. */
  readonly size: () => number
}

interface Entry {
  readonly floor: number
  /** Infinity for never. */
  readonly until: number
}

/** One small map each, so that neither the growth of a map nor a sweep holds up the requests. */
type Shards = readonly Map<Fingerprint, Entry>[]

const shardBits = 6

export function createRevocationTable(issuer: string): RevocationTable {
  // A kind without entries has no shards, and then nothing is hashed for it.
  const kinds = new Map<RevocationKind, Shards>()
  let allFloor = 0
  let entries = 0
  let sweepAt = 0

  const entryOf = (kind: RevocationKind, key: string): Entry | undefined => {
    const shards = kinds.get(kind)
    if (shards === undefined) return undefined
    const fingerprint = fingerprintOf(issuer, kind, key)
    return shardOf(shards, fingerprint)?.get(fingerprint)
  }

  const hasFloorAbove = (
    kind: 'account' | 'client',
    key: string,
    generation: number | undefined,
  ): boolean =>
    generation !== undefined && generation < (entryOf(kind, key)?.floor ?? Number.NEGATIVE_INFINITY)

  return {
    join: ({ kind, fingerprint, floor, until = Number.POSITIVE_INFINITY }) => {
      if (kind === 'all') {
        const isNew = floor > allFloor
        allFloor = Math.max(allFloor, floor)
        return isNew
      }
      const shards = kinds.get(kind) ?? createShards()
      kinds.set(kind, shards)
      const shard = shardOf(shards, fingerprint)
      const held = shard?.get(fingerprint)
      if (held !== undefined && floor <= held.floor && until <= held.until) return false
      if (held === undefined) entries += 1
      shard?.set(fingerprint, {
        floor: Math.max(floor, held?.floor ?? 0),
        until: Math.max(until, held?.until ?? 0),
      })
      return true
    },
    revokes: (claims) => {
      const { sub, sid, jti, gen, cgen } = claims
      if ((gen ?? allFloor) < allFloor || (cgen ?? allFloor) < allFloor) return true
      if (kinds.has('client')) {
        if (clientsOf(claims).some((client) => hasFloorAbove('client', client, cgen))) return true
      }
      if (hasFloorAbove('account', sub, gen)) return true
      if (sid !== undefined && entryOf('session', sid) !== undefined) return true
      return entryOf('token', jti) !== undefined
    },
    revokesKey: (kid) => entryOf('key', kid) !== undefined,
    sweep: (endedBeforeMs) => {
      for (const shards of kinds.values()) {
        const shard = shards[sweepAt]
        for (const [fingerprint, { until }] of shard ?? []) {
          if (until < endedBeforeMs && shard?.delete(fingerprint) === true) entries -= 1
        }
      }
      sweepAt = (sweepAt + 1) % 2 ** shardBits
    },
    size: () => entries,
  }
}

function createShards(): Shards {
  return Array.from({ length: 2 ** shardBits }, () => new Map<Fingerprint, Entry>())
}

function shardOf(shards: Shards, fingerprint: Fingerprint): Shards[number] | undefined {
  return shards[Number(BigInt.asUintN(shardBits, fingerprint))]
}

/** The token's own client, and whoever acts in it: RFC 8693 section 4.1 nests `act` claims. */
function clientsOf({ client_id: clientId, act }: AccessTokenClaims): readonly string[] {
  const clients = [clientId]
  let actor: JsonValue | undefined = act
  // The parser has bounded the depth.
  while (isJsonObject(actor)) {
    for (const name of [actor['client_id'], actor['sub']]) {
      if (typeof name === 'string') clients.push(name)
    }
    actor = actor['act']
  }
  return clients
}
