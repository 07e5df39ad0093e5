import type { ChainedFields, ChainLink } from '../domain/audit-chain.ts'
import { isSameMac, recordMac, sealOfEnds } from '../domain/audit-chain.ts'
import type { StoredChain } from './audit-rows.ts'
import { ownFieldsOf, storedChainOf, writeEnds } from './audit-rows.ts'
import { integer } from './columns.ts'
import type { Database, Query, Row, SqlValue, Steps } from './database.ts'
import { insertEvent, insertEvents, writtenColumns } from './events.ts'
import type { InsertedColumns } from './inserted-rows.ts'
import { insertRows } from './inserted-rows.ts'

/** The chain that this process writes, as long as it lives. */
export interface OwnChain {
  readonly chain: string
  readonly key: Buffer
  /** Told of every head that is durable. Heads of changes at once may come in another order. */
  readonly onHead: (head: ChainLink) => void
  /** Told of what is durable, by the kinds of the events. */
  readonly onEvents?: (kinds: ReadonlyMap<string, number>) => void
  /** The last head that it was told of. */
  readonly known: () => ChainLink | undefined
}

/**
 * The same database, in which events become records of this process's chain. A transaction with events pays two
 * statements more, however many they are: one locks the chain at its first event, and one moves the head at its end.
 */
export function auditedDatabase(database: Database, own: OwnChain): Database {
  const audited =
    (run: Database['transaction']) =>
    async <Result>(steps: Steps<Result>): Promise<Result> => {
      const { result, head, kinds } = await run(async (query) => {
        const recording = recordInto(query, own)
        const answer = await steps(recording.query)
        return { result: answer, head: await recording.finish(), kinds: recording.kinds }
      })
      if (head !== undefined) own.onHead(head)
      if (kinds.size > 0) own.onEvents?.(kinds)
      return result
    }
  const transaction = audited(database.transaction)
  return {
    ...database,
    transaction,
    exclusive: audited(database.exclusive),
    write: (sql, parameters) =>
      sql === insertEvent || sql === insertEvents
        ? transaction((query) => query(sql, parameters))
        : database.write(sql, parameters),
  }
}

export interface Recording {
  readonly query: Query
  /** How many events of each kind were written. */
  readonly kinds: ReadonlyMap<string, number>
  /** Chains a row that was there without a chain. */
  readonly adopt: (row: Row) => Promise<void>
  /** Moves the head, when there is anything new. */
  readonly finish: () => Promise<ChainLink | undefined>
}

/** What one transaction writes into the chain, which is its own until it is over. */
export function recordInto(query: Query, own: OwnChain): Recording {
  const { chain, key } = own
  let locked: (StoredChain & { readonly now: number }) | undefined
  let head: ChainLink | undefined
  const kinds = new Map<string, number>()
  const count = ({ kind }: Pick<ChainedFields, 'kind'>): void =>
    void kinds.set(kind, (kinds.get(kind) ?? 0) + 1)

  const append = async (
    fields: Omit<ChainedFields, 'chain' | 'seq'>,
    write: (place: Place) => Promise<number>,
  ): Promise<void> => {
    locked ??= await lockChain(query, chain)
    const previous = head ?? locked.head
    const seq = previous.seq + 1
    const mac = recordMac(key, previous, { ...fields, chain, seq })
    head = { seq, mac, id: await write({ chain, seq, mac }) }
  }
  const insert = async (values: readonly SqlValue[]): Promise<void> => {
    locked ??= await lockChain(query, chain)
    const { now } = locked
    const fields = fieldsOf(values)
    await append({ ...fields, at: now, adopted: 0 }, (place) =>
      insertRecord(query, now, values, place),
    )
    count(fields)
  }
  const insertMany = async (lists: readonly (readonly SqlValue[])[]): Promise<void> => {
    if (lists.length === 0) return
    locked ??= await lockChain(query, chain)
    const { now } = locked
    let previous = head ?? locked.head
    const first = previous.seq + 1
    const ids = await takeIds(query, lists.length)
    const rows = lists.map((values, index): readonly SqlValue[] => {
      const [id, seq] = [ids[index], first + index]
      // What the engine would not have given is given to nobody.
      if (id === undefined) throw new TypeError('an event has no id')
      const fields = { ...fieldsOf(values), at: now, adopted: 0, chain, seq }
      const mac = recordMac(key, previous, fields)
      count(fields)
      previous = { seq, mac, id }
      return [id, ...values, now, chain, seq, mac]
    })
    await insertRows(query, chainedColumns, rows)
    head = previous
  }
  return {
    kinds,
    query: async (sql, parameters = []) => {
      if (sql === insertEvent) await insert(parameters)
      else if (sql === insertEvents) await insertMany(listsIn(parameters))
      else return query(sql, parameters)
      return []
    },
    adopt: (row) =>
      append({ ...ownFieldsOf(row), adopted: 1 }, (place) => adoptRow(query, row, place)),
    finish: async () => {
      if (locked === undefined || head === undefined) return undefined
      await writeEnds(query, key, { chain, head, pruned: locked.pruned }, isWhole(locked, own))
      return head
    },
  }
}

/**
 * Whether the ends are as this process has left them. Records are written in either case, because nobody may stop a
 * block by breaking a row; but what somebody else has done to the ends is not sealed with them.
 */
function isWhole(locked: StoredChain, { key, known }: OwnChain): boolean {
  const { head, seal } = locked
  const last = known()
  const isShortened =
    last !== undefined &&
    (head.seq < last.seq || (head.seq === last.seq && !isSameMac(head.mac, last.mac)))
  return !isShortened && isSameMac(seal, sealOfEnds(key, locked))
}

interface Place {
  readonly chain: string
  readonly seq: number
  readonly mac: string
}

async function lockChain(
  query: Query,
  chain: string,
): Promise<StoredChain & { readonly now: number }> {
  const [row] = await query(
    'SELECT statement_now() AS now, audit_chains.* FROM audit_chains WHERE chain = $1 FOR UPDATE',
    [chain],
  )
  // Nothing is done that cannot be recorded.
  if (row === undefined) throw new TypeError('the audit chain of this node is gone')
  return { ...storedChainOf(row), now: integer(row, 'now') }
}

/** The parameter of `insertEvents`. */
function listsIn([json]: readonly SqlValue[]): readonly (readonly SqlValue[])[] {
  return JSON.parse(String(json)) as readonly (readonly SqlValue[])[]
}

/** In the order of the parameters of `insertEvent`. */
function fieldsOf(
  values: readonly SqlValue[],
): Omit<ChainedFields, 'chain' | 'seq' | 'at' | 'adopted'> {
  const [kind, accountId, sessionId, clientId, actor, reason, network, details, kid] = values.map(
    (value) => (value === null ? null : String(value)),
  )
  return {
    kind: kind ?? '',
    accountId: accountId ?? null,
    sessionId: sessionId ?? null,
    clientId: clientId ?? null,
    actor: actor ?? null,
    reason: reason ?? null,
    network: network ?? null,
    details: details ?? null,
    kid: kid ?? null,
  }
}

async function insertRecord(
  query: Query,
  at: number,
  values: readonly SqlValue[],
  { chain, seq, mac }: Place,
): Promise<number> {
  const [row] = await query(
    `INSERT INTO events (${writtenColumns}, at, chain, seq, mac)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
    [...values, at, chain, seq, mac],
  )
  return integer(row ?? {}, 'id')
}

const chainedColumns: InsertedColumns = {
  table: 'events',
  columns: [
    ['id', 'bigint'],
    ...writtenColumns.split(', ').map((name) => [name, 'text'] as const),
    ['at', 'bigint'],
    ['chain', 'text'],
    ['seq', 'bigint'],
    ['mac', 'text'],
  ],
  hasOwnId: true,
}

/** A record vouches for the id of the one before, so the ids of many are known before any of them is written. */
async function takeIds(query: Query, count: number): Promise<readonly number[]> {
  const rows = await query('SELECT id FROM next_event_ids($1) AS ids ORDER BY id', [count])
  return rows.map((row) => integer(row, 'id'))
}

async function adoptRow(query: Query, row: Row, { chain, seq, mac }: Place): Promise<number> {
  const id = integer(row, 'id')
  await query('UPDATE events SET chain = $2, seq = $3, mac = $4, adopted = 1 WHERE id = $1', [
    id,
    chain,
    seq,
    mac,
  ])
  return id
}
