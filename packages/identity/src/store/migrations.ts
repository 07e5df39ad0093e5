import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

interface Migration {
  readonly id: number
  readonly name: string
  readonly sql: string
}

export type MigrationOutcome =
  | { readonly kind: 'current' }
  /** The database knows steps that this program does not. */
  | { readonly kind: 'newer'; readonly step: number }
  /** A step was applied in another wording than the one this program has. */
  | { readonly kind: 'altered'; readonly step: number }

/**
 * Text ids, integer epoch milliseconds and JSON as text, which any engine can hold. A step
 * that has been released is never changed; a mistake in it is mended by the next one.
 */
const migrations: readonly Migration[] = [
  {
    id: 1,
    name: 'accounts, clients, sessions and signing keys',
    sql: `
      CREATE TABLE accounts (
        id text PRIMARY KEY,
        identifier text NOT NULL UNIQUE,
        password_hash text NOT NULL,
        roles text NOT NULL,
        generation integer NOT NULL,
        created_at integer NOT NULL
      ) STRICT;
      CREATE TABLE clients (
        id text PRIMARY KEY,
        name text NOT NULL UNIQUE,
        origin text NOT NULL CHECK (origin IN ('file', 'store')),
        enabled integer NOT NULL,
        public integer NOT NULL,
        secret_hash text,
        grants text NOT NULL,
        audiences text NOT NULL,
        scopes text NOT NULL,
        generation integer NOT NULL,
        created_at integer NOT NULL
      ) STRICT;
      CREATE TABLE sessions (
        id text PRIMARY KEY,
        account_id text NOT NULL REFERENCES accounts (id),
        client_id text NOT NULL REFERENCES clients (id),
        audiences text NOT NULL,
        generation integer NOT NULL,
        authenticated_at integer NOT NULL,
        expires_at integer NOT NULL
      ) STRICT;
      CREATE INDEX sessions_by_account ON sessions (account_id);
      CREATE TABLE signing_keys (
        kid text PRIMARY KEY,
        algorithm text NOT NULL UNIQUE,
        public_jwk text NOT NULL,
        sealed_private_key text NOT NULL,
        created_at integer NOT NULL
      ) STRICT;
    `,
  },
  {
    id: 2,
    name: 'sessions that refresh, and what happened to them',
    // Sessions from before had nothing to refresh with; their last access tokens die by themselves.
    sql: `
      DROP TABLE sessions;
      CREATE TABLE sessions (
        id text PRIMARY KEY,
        account_id text NOT NULL REFERENCES accounts (id),
        client_id text NOT NULL REFERENCES clients (id),
        audiences text NOT NULL,
        scopes text,
        generation integer NOT NULL,
        seed text NOT NULL,
        counter integer NOT NULL,
        rotated_at integer,
        attempt_hash text,
        authenticated_at integer NOT NULL,
        last_used_at integer NOT NULL,
        idle_expires_at integer NOT NULL,
        expires_at integer NOT NULL,
        ended_at integer
      ) STRICT;
      CREATE INDEX sessions_by_account ON sessions (account_id);
      CREATE TABLE events (
        id integer PRIMARY KEY,
        at integer NOT NULL,
        kind text NOT NULL,
        account_id text NOT NULL,
        session_id text NOT NULL
      ) STRICT;
      CREATE INDEX events_by_account ON events (account_id, at);
    `,
  },
  {
    id: 3,
    name: 'what is taken back: floors, blocks, the revocation log, and keys that come and go',
    sql: `
      ALTER TABLE accounts ADD COLUMN login_floor integer NOT NULL DEFAULT 0;
      ALTER TABLE accounts ADD COLUMN blocked_at integer;
      ALTER TABLE sessions ADD COLUMN device text;
      ALTER TABLE sessions ADD COLUMN network text;
      CREATE TABLE revocation_head (
        id integer PRIMARY KEY CHECK (id = 1),
        epoch text NOT NULL,
        base integer NOT NULL,
        seq integer NOT NULL,
        chain text NOT NULL,
        at integer NOT NULL,
        kids text NOT NULL,
        access_token_seconds_max integer NOT NULL
      ) STRICT;
      CREATE TABLE revocations (
        seq integer PRIMARY KEY,
        kind text NOT NULL,
        fingerprint text NOT NULL,
        floor integer NOT NULL,
        until integer,
        at integer NOT NULL
      ) STRICT;
      ALTER TABLE signing_keys RENAME TO signing_keys_before;
      CREATE TABLE signing_keys (
        kid text PRIMARY KEY,
        purpose text NOT NULL CHECK (purpose IN ('access-token', 'feed')),
        algorithm text NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'destroyed')),
        public_jwk text NOT NULL,
        sealed_private_key text,
        created_at integer NOT NULL,
        activated_at integer,
        retired_at integer,
        destroyed_at integer
      ) STRICT;
      INSERT INTO signing_keys (kid, purpose, algorithm, state, public_jwk, sealed_private_key, created_at, activated_at)
        SELECT kid, 'access-token', algorithm, 'active', public_jwk, sealed_private_key, created_at, created_at
        FROM signing_keys_before;
      DROP TABLE signing_keys_before;
      CREATE UNIQUE INDEX signing_keys_pending ON signing_keys (purpose, algorithm) WHERE state = 'pending';
      CREATE UNIQUE INDEX signing_keys_active ON signing_keys (purpose, algorithm) WHERE state = 'active';
      DROP INDEX events_by_account;
      ALTER TABLE events RENAME TO events_before;
      CREATE TABLE events (
        id integer PRIMARY KEY,
        at integer NOT NULL,
        kind text NOT NULL,
        account_id text,
        session_id text,
        actor text,
        reason text
      ) STRICT;
      INSERT INTO events (id, at, kind, account_id, session_id)
        SELECT id, at, kind, account_id, session_id FROM events_before;
      DROP TABLE events_before;
      CREATE INDEX events_by_account ON events (account_id, at);
    `,
  },
]

/** Brings the schema up to date in one transaction, or changes nothing. Only goes forward. */
export function migrate(database: DatabaseSync, now: number): MigrationOutcome {
  database.exec('BEGIN IMMEDIATE')
  try {
    const outcome = applyMissing(database, now)
    database.exec(outcome.kind === 'current' ? 'COMMIT' : 'ROLLBACK')
    return outcome
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function applyMissing(database: DatabaseSync, now: number): MigrationOutcome {
  database.exec(`
    CREATE TABLE IF NOT EXISTS migrations (
      id integer PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at integer NOT NULL
    ) STRICT
  `)
  const rows = database.prepare('SELECT id, checksum FROM migrations ORDER BY id').all()
  const applied = new Map(rows.map((row) => [Number(row['id']), String(row['checksum'])]))
  const newest = Math.max(0, ...applied.keys())
  if (newest > migrations.length) return { kind: 'newer', step: newest }

  const record = database.prepare('INSERT INTO migrations VALUES (?, ?, ?, ?)')
  for (const { id, name, sql } of migrations) {
    const checksum = createHash('sha256').update(sql.replaceAll(/\s+/g, ' ')).digest('hex')
    const known = applied.get(id)
    if (known !== undefined && known !== checksum) return { kind: 'altered', step: id }
    if (known === undefined) {
      database.exec(sql)
      record.run(id, name, checksum, now)
    }
  }
  return { kind: 'current' }
}
