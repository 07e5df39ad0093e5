import { randomUUID } from 'node:crypto'
import type { SQLOutputValue } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'

export interface Order {
  readonly id: string
  /** The `sub` of whoever ordered. */
  readonly owner: string
  readonly item: string
  readonly quantity: number
  readonly status: 'open' | 'cancelled'
  readonly createdAt: string
}

export type Cancellation =
  { readonly kind: 'cancelled'; readonly order: Order } | { readonly kind: 'unknown' }

/** Whose orders are asked for: one owner's, or everybody's. */
export type Whose = { readonly owner: string } | 'everybody'

export interface OrderBook {
  readonly list: (whose: Whose) => readonly Order[]
  readonly find: (id: string, whose: Whose) => Order | undefined
  readonly create: (order: Pick<Order, 'owner' | 'item' | 'quantity'>) => Order
  /** Cancelling twice is the same as cancelling once. */
  readonly cancel: (id: string) => Cancellation
  readonly close: () => void
}

const newestMax = 100

export function openOrderBook(path: string, now: () => number = Date.now): OrderBook {
  const database = new DatabaseSync(path)
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS orders (
      id text PRIMARY KEY, owner text NOT NULL, item text NOT NULL, quantity integer NOT NULL,
      status text NOT NULL, created_at text NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS orders_by_owner ON orders (owner, created_at);
  `)
  const columns = 'id, owner, item, quantity, status, created_at AS createdAt'
  const newest = `ORDER BY created_at DESC LIMIT ${newestMax}`
  const listAll = database.prepare(`SELECT ${columns} FROM orders ${newest}`)
  const listOwned = database.prepare(`SELECT ${columns} FROM orders WHERE owner = ? ${newest}`)
  const byId = database.prepare(`SELECT ${columns} FROM orders WHERE id = ?`)
  const insert = database.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)')
  const setCancelled = database.prepare("UPDATE orders SET status = 'cancelled' WHERE id = ?")

  const read = (id: string): Order | undefined => {
    const row = byId.get(id)
    return row === undefined ? undefined : orderOf(row)
  }
  return {
    list: (whose) =>
      (whose === 'everybody' ? listAll.all() : listOwned.all(whose.owner)).map(orderOf),
    find: (id, whose) => {
      const order = read(id)
      return whose === 'everybody' || order?.owner === whose.owner ? order : undefined
    },
    create: ({ owner, item, quantity }) => {
      const createdAt = new Date(now()).toISOString()
      const order: Order = { id: randomUUID(), owner, item, quantity, status: 'open', createdAt }
      insert.run(order.id, owner, item, quantity, order.status, createdAt)
      return order
    },
    cancel: (id) => {
      setCancelled.run(id)
      const order = read(id)
      return order === undefined ? { kind: 'unknown' } : { kind: 'cancelled', order }
    },
    close: () => database.close(),
  }
}

/** Throws a TypeError for a row that this program has not written. */
function orderOf(row: Readonly<Record<string, SQLOutputValue>>): Order {
  const { id, owner, item, quantity, status, createdAt } = row
  if (
    typeof id !== 'string' ||
    typeof owner !== 'string' ||
    typeof item !== 'string' ||
    typeof quantity !== 'number' ||
    (status !== 'open' && status !== 'cancelled') ||
    typeof createdAt !== 'string'
  ) {
    throw new TypeError('a row of the orders is not an order')
  }
  return { id, owner, item, quantity, status, createdAt }
}
