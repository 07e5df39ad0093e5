/** What can be stored: the types that both engines have (protocol times are integer milliseconds). */
export type SqlValue = string | number | null

export type Row = Readonly<Record<string, unknown>>

/**
 * Runs one statement. All SQL is written in PostgreSQL's dialect, in the part of it that SQLite shares or
 * was taught (`sqlite-dialect.ts`): parameters stand as `$1`, `$2`, …, rows are locked by `FOR UPDATE`, and
 * two words stand for the store's clock in milliseconds, each from before the rows of its statement are
 * read. `transaction_now()` is the earlier of them: tokens that are minted from a read are stamped with it. Another
 * one, `next_event_ids($1)`, stands for a table of so many ids that no event has and no other will be given.
 */
export type Query = (sql: string, parameters?: readonly SqlValue[]) => Promise<readonly Row[]>

/**
 * The statements of one atomic change. They may be run again when two of them have locked each other out,
 * and while they run others wait: they await nothing but their own statements.
 */
export type Steps<Result> = (query: Query) => Promise<Result>

/** What can be done over one connection, and over any of them. */
export interface Connection {
  /** One statement that changes nothing. */
  readonly read: Query
  /** Steps that run one at a time among all nodes: for what is rare and looks at whole tables. */
  readonly exclusive: <Result>(steps: Steps<Result>) => Promise<Result>
  /**
   * Which history of commits this is. It changes when another server goes on with the data, which may then
   * lack the last commits of the one before. Undefined where that cannot be told.
   */
  readonly lineage: () => Promise<string | undefined>
}

export type ConnectionCheck = (connection: Connection) => Promise<void>

/** What is wrong with a table itself, so that queries may pass over rows of it; the row, where one is known. */
export interface TableFault {
  /** `table`: it is not what the migrations made. `index`: one of its indexes does not fit its rows. */
  readonly what: 'table' | 'index'
  readonly id?: number
}

/** Undefined when queries see each row of these tables. It may read all of them, and holds nobody up. */
export type FindTableFault = (tables: readonly string[]) => Promise<TableFault | undefined>

/** What the stores need of an engine. What resolves is durable; what throws has changed nothing. */
export interface Database extends Connection {
  /** One statement that is an atomic change by itself. */
  readonly write: Query
  /** The same past all who wait for a connection: for what has to be in time however many there are. */
  readonly ahead: { readonly read: Query; readonly write: Query }
  /** A change whose locks are taken in one order: account, session, event, head of the log. */
  readonly transaction: <Result>(steps: Steps<Result>) => Promise<Result>
  /**
   * From here on `check` sees every connection that is made before anything else runs on it, and one for
   * which it throws is not used. A file has no connections that lead elsewhere, and none are shown.
   */
  readonly checkConnections: (check: ConnectionCheck) => void
  readonly tableFault: FindTableFault
  /**
   * Tells the other nodes that there is something new. It only hastens: it is not waited for, and may be lost. Not for
   * what is done at every request, because PostgreSQL commits those who tell one by one.
   */
  readonly wakeOthers: () => void
  /** Calls the listener when another node has something new, and when it may have been missed. Answers how to stop that. */
  readonly onWoken: (listener: () => void) => () => void
  readonly close: () => Promise<void>
  /**
   * Closes without waiting for whoever uses it: a server that has fallen silent would keep them, and they end when this
   * fails what they wait for. A file answers always.
   */
  readonly giveUp: () => void
}

/** A store that is looked at, and in which nothing can be changed, its schema least of all. */
export interface StoreReader {
  readonly read: Query
  readonly tableFault: FindTableFault
  readonly close: () => Promise<void>
}

export interface DatabaseOptions {
  /**
   * The store's clock, in milliseconds since 1970. Default: that of the PostgreSQL server, which all nodes
   * share, and that of this machine for SQLite.
   */
  readonly now?: (() => number) | undefined
}

/** A store without any is new, or not the one that was meant. */
export async function hasAccounts({ read }: Pick<Database, 'read'>): Promise<boolean> {
  return (await read('SELECT id FROM accounts LIMIT 1')).length > 0
}

/** Whether rows can be read at the moment. */
export async function isReadable(database: Database): Promise<boolean> {
  try {
    await hasAccounts(database)
    return true
  } catch {
    return false
  }
}
