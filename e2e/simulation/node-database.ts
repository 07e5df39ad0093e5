import { StoreUnavailableError } from '../../packages/identity/src/domain/store-unavailable.ts'
import type {
  Connection,
  ConnectionCheck,
  Database,
  Row,
  Steps,
} from '../../packages/identity/src/store/database.ts'
import type { Chance } from './chance.ts'
import type { StoreServer } from './store-server.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A server as it is reached: what it answers depends on where it stands. */
export interface Site {
  readonly server: StoreServer
  /**
   * `isolated`: it goes on answering reads over the connections that it has. What it writes waits for a standby
   * that never answers, as PostgreSQL does with a synchronous one, so nobody is ever told that it was written.
   */
  state: 'serving' | 'isolated' | 'dead'
  readonly connections: Set<OpenConnection>
  /** Looks at its rows, without anybody noticing. */
  readonly look: (sql: string) => readonly Row[]
  /** What generations start from there at the moment. */
  readonly base: () => number
  /** Where its history was when somebody was last told of a commit. */
  acknowledged: number
}

export interface OpenConnection {
  readonly site: Site
  readonly owner: string
  isBroken: boolean
  /** Told when it ends. */
  readonly onEnd: Set<() => void>
}

export function endConnection(connection: OpenConnection): void {
  connection.isBroken = true
  connection.site.connections.delete(connection)
  for (const tell of connection.onEnd) tell()
  connection.onEnd.clear()
}

export interface NodeDatabaseOptions {
  readonly owner: string
  readonly time: VirtualTime
  readonly chance: Chance
  /** Where a new connection leads to; undefined when nobody answers there. */
  readonly addressed: () => Site | undefined
  /** False for a file, which has neither a lineage nor connections that lead elsewhere. */
  readonly isShared: boolean
  /** How often an answer is lost, or a connection before it was asked. */
  readonly lossRate: number
  readonly isOver: () => boolean
}

/** The database as one node has it: production code above it, servers that come and go below. */
export function createNodeDatabase(options: NodeDatabaseOptions): Database {
  const { chance, isShared } = options
  const slots: Slot[] = isShared ? [{}, {}] : [{}]
  let check: ConnectionCheck | undefined

  const fill = async (slot: Slot): Promise<OpenConnection> => {
    const held = await slot.made?.catch(() => undefined)
    if (held !== undefined && !held.isBroken) return held
    slot.made = connect(options, check)
    slot.open = await slot.made
    return slot.open
  }
  // Nobody waits for what is there: most of what happens goes through here.
  const borrow: Borrow = () => {
    const slot = chance.oneOf(slots)
    return slot.open === undefined || slot.open.isBroken ? fill(slot) : slot.open
  }

  const connection = connectionOver(options, borrow)
  return {
    ...connection,
    ahead: connection,
    // Nobody is woken in this world, where what depends on it would be found out.
    wakeOthers: () => undefined,
    onWoken: () => () => undefined,
    tableFault: async () => undefined,
    checkConnections: (asked) => {
      check = asked
    },
    close: async () => undefined,
    giveUp: () => undefined,
  }
}

/** The place of one connection. */
interface Slot {
  made?: Promise<OpenConnection>
  open?: OpenConnection
}

type Borrow = () => OpenConnection | Promise<OpenConnection>

async function connect(
  options: NodeDatabaseOptions,
  check: ConnectionCheck | undefined,
): Promise<OpenConnection> {
  const { owner, addressed, isShared } = options
  await travel(options)
  const site = addressed()
  if (site === undefined || site.state === 'dead') throw unavailable('nobody answers')
  const connection: OpenConnection = { site, owner, isBroken: false, onEnd: new Set() }
  site.connections.add(connection)
  try {
    if (isShared) await check?.(connectionOver(options, () => connection))
  } catch (cause) {
    endConnection(connection)
    throw unavailable('the database cannot be gone on with', cause)
  }
  return connection
}

function connectionOver(
  options: NodeDatabaseOptions,
  borrow: Borrow,
): Connection & Pick<Database, 'transaction' | 'write'> {
  const transaction = async <Result>(steps: Steps<Result>): Promise<Result> =>
    change(options, await borrow(), steps, (server) => server.transaction(steps))
  return {
    read: async (sql, parameters) => {
      const connection = await borrow()
      await reach(options, connection)
      const rows = await connection.site.server.read(sql, parameters)
      await travel(options)
      if (connection.isBroken) throw unavailable('the connection ended')
      return rows
    },
    write: async (sql, parameters) =>
      change(
        options,
        await borrow(),
        (run) => run(sql, parameters),
        (server) => server.write(sql, parameters),
      ),
    transaction,
    exclusive: transaction,
    lineage: async () => (options.isShared ? (await borrow()).site.server.lineage : undefined),
  }
}

async function reach(options: NodeDatabaseOptions, connection: OpenConnection): Promise<void> {
  await travel(options)
  if (options.chance.happens(options.lossRate)) endConnection(connection)
  if (connection.isBroken) throw unavailable('the connection ended')
}

async function change<Result>(
  options: NodeDatabaseOptions,
  connection: OpenConnection,
  steps: Steps<Result>,
  commitOn: (server: StoreServer) => Promise<{ readonly result: Result; readonly place: number }>,
): Promise<Result> {
  const { chance, isShared, lossRate } = options
  const { site } = connection
  await reach(options, connection)
  if (isIsolated(site)) {
    const { result, isWrite } = await site.server.rehearse(steps)
    return isWrite ? hangOn(options, connection) : result
  }
  const { result, place } = await commitOn(site.server)
  await travel(options)
  if (isShared && chance.happens(lossRate)) endConnection(connection)
  // The answer to the commit was lost: it stands all the same.
  if (connection.isBroken) throw unavailable('the connection ended at the commit')
  // A primary that was cut off meanwhile has no standby to hear of it.
  if (isIsolated(site)) return hangOn(options, connection)
  site.acknowledged = Math.max(site.acknowledged, place)
  return result
}

/** To the server or back. Whoever is dead by then goes on with nothing. */
function travel(options: NodeDatabaseOptions): Promise<void> | undefined {
  const { time, isOver } = options
  const ms = latencyMs(options)
  // Nothing can happen in no time.
  if (ms === 0 && !isOver()) return undefined
  return new Promise<void>((resolve) => {
    time.after(ms, () => {
      if (!isOver()) resolve()
    })
  })
}

function latencyMs({ chance }: NodeDatabaseOptions): number {
  if (chance.happens(0.002)) return chance.between(500, 2_500)
  if (chance.happens(0.04)) return chance.between(10, 150)
  return chance.happens(0.2) ? chance.between(1, 3) : 0
}

/** Of a write that nobody will ever acknowledge. */
function hangOn({ isOver }: NodeDatabaseOptions, connection: OpenConnection): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => {
      if (!isOver()) reject(unavailable('the connection ended'))
    }
    if (connection.isBroken) fail()
    else connection.onEnd.add(fail)
  })
}

function isIsolated({ state }: Site): boolean {
  return state === 'isolated'
}

function unavailable(why: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(why, { cause })
}
