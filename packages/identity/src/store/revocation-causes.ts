import type { RevocationKind } from '@portcullis/protocol/revocations'
import type { SqlValue } from './database.ts'

/** What a record of the log is about, for people: the record itself has fingerprints alone. */
export interface RecordAbout {
  /** The `sid`, `sub`, `client_id`, `jti` or `kid`; null for what is about all. */
  readonly subject: SqlValue
  /** The kind of the event that it came with. */
  readonly cause: SqlValue
  /** Whose session or token it was. */
  readonly accountId: SqlValue
  readonly actor: SqlValue
  readonly reason: SqlValue
}

/** What the audit record says in one transaction, by what it is about. */
export interface Causes {
  /** To be told the values of every event, in the order of `insertEvent`. */
  readonly note: (values: readonly SqlValue[]) => void
  readonly of: (kind: RevocationKind, key: string) => RecordAbout
}

/** Where events name what is revoked; for the other kinds it is the last one. */
const placeOf: Readonly<Partial<Record<RevocationKind, number>>> = {
  account: 1,
  session: 2,
  client: 3,
  key: 8,
}

export function createCauses(): Causes {
  const events: (readonly SqlValue[])[] = []
  const named = new Map<RevocationKind, Map<SqlValue, readonly SqlValue[]>>()
  /** Made when it is asked for: an event is noted in every transaction, and few of them revoke. */
  const namedBy = (kind: RevocationKind, place: number): Map<SqlValue, readonly SqlValue[]> => {
    let found = named.get(kind)
    if (found === undefined) {
      found = new Map(events.map((values) => [values[place] ?? null, values]))
      named.set(kind, found)
    }
    return found
  }
  return {
    note: (values) => {
      events.push(values)
      named.clear()
    },
    of: (kind, key) => {
      const place = placeOf[kind]
      const own = place === undefined ? undefined : namedBy(kind, place).get(key)
      const event = own ?? events.at(-1) ?? []
      const [cause = null, account = null, , , actor = null, reason = null] = event
      const accountId = kind === 'session' || kind === 'token' ? account : null
      return { subject: key === '' ? null : key, cause, accountId, actor, reason }
    },
  }
}
