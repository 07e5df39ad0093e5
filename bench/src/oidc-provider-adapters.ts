import { DatabaseSync } from 'node:sqlite'
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

/**
 * Where node-oidc-provider keeps what it knows. What it brings is kept in memory, and no more than 1,000
 * entries of it; these hold all. The first is the quickest that it can have, and forgets everything at a
 * restart. The second is as durable as ours: each change is on the disk before it is answered.
 */
export const storages = { memory: inMemory, sqlite: inSqlite } as const

export type StorageName = keyof typeof storages

export interface PeerStorage {
  readonly adapter: AdapterFactory
  /** Makes everything that is done meanwhile one commit, for filling it. */
  readonly filling: (fill: () => Promise<void>) => Promise<void>
}

function inMemory(): PeerStorage {
  const held = new Map<string, AdapterPayload>()
  const adapter: AdapterFactory = (model) => {
    const keyOf = (id: string): string => `${model}:${id}`
    return {
      ...nothingElse,
      upsert: async (id, payload) => void held.set(keyOf(id), payload),
      find: async (id) => held.get(keyOf(id)),
      consume: async (id) => {
        const payload = held.get(keyOf(id))
        if (payload !== undefined) payload.consumed = nowSeconds()
      },
      destroy: async (id) => void held.delete(keyOf(id)),
    }
  }
  return { adapter, filling: (fill) => fill() }
}

function inSqlite(path: string): PeerStorage {
  const database = new DatabaseSync(path)
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE held (
      model text, id text, payload text NOT NULL, consumed integer, grant_id text,
      PRIMARY KEY (model, id)
    ) STRICT;
    CREATE INDEX held_by_grant ON held (grant_id);
  `)
  const upsert = database.prepare('INSERT OR REPLACE INTO held VALUES (?, ?, ?, NULL, ?)')
  const find = database.prepare('SELECT payload, consumed FROM held WHERE model = ? AND id = ?')
  const consume = database.prepare('UPDATE held SET consumed = ? WHERE model = ? AND id = ?')
  const destroy = database.prepare('DELETE FROM held WHERE model = ? AND id = ?')
  const adapter: AdapterFactory = (model) => ({
    ...nothingElse,
    upsert: async (id, payload) =>
      void upsert.run(model, id, JSON.stringify(payload), payload.grantId ?? null),
    find: async (id) => {
      const row = find.get(model, id)
      if (row === undefined) return undefined
      const payload = JSON.parse(String(row['payload'])) as AdapterPayload
      return row['consumed'] === null ? payload : { ...payload, consumed: row['consumed'] }
    },
    consume: async (id) => void consume.run(nowSeconds(), model, id),
    destroy: async (id) => void destroy.run(model, id),
  })
  const filling: PeerStorage['filling'] = async (fill) => {
    database.exec('BEGIN')
    await fill()
    database.exec('COMMIT')
  }
  return { adapter, filling }
}

/** Neither of the two grants that are measured asks for these. */
const nothingElse: Pick<Adapter, 'findByUid' | 'findByUserCode' | 'revokeByGrantId'> = {
  findByUid: unexpected,
  findByUserCode: unexpected,
  revokeByGrantId: unexpected,
}

function unexpected(): Promise<undefined> {
  return Promise.reject(new Error('this was not to be asked for'))
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
