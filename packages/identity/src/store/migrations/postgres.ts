import type { Migration } from '../migrations.ts'
import { anomaliesStep } from './anomalies.ts'
import { eventStreamsStep } from './event-streams.ts'
import { overviewStep } from './overview.ts'

/** The schema on PostgreSQL, step by step. What SQLite came to in three steps is the first one here. */
export const postgresMigrations: readonly Migration[] = [
  {
    id: 3,
    name: 'accounts, clients, sessions, keys, the revocation log and what happened',
    additive: false,
    sql: `
      CREATE TABLE accounts (
        id text PRIMARY KEY,
        identifier text NOT NULL UNIQUE,
        password_hash text NOT NULL,
        roles text NOT NULL,
        generation bigint NOT NULL,
        created_at bigint NOT NULL,
        login_floor bigint NOT NULL DEFAULT 0,
        blocked_at bigint
      );
      CREATE TABLE clients (
        id text PRIMARY KEY,
        name text NOT NULL UNIQUE,
        origin text NOT NULL CHECK (origin IN ('file', 'store')),
        enabled bigint NOT NULL,
        public bigint NOT NULL,
        secret_hash text,
        grants text NOT NULL,
        audiences text NOT NULL,
        scopes text NOT NULL,
        generation bigint NOT NULL,
        created_at bigint NOT NULL
      );
      CREATE TABLE sessions (
        id text PRIMARY KEY,
        account_id text NOT NULL REFERENCES accounts (id),
        client_id text NOT NULL REFERENCES clients (id),
        audiences text NOT NULL,
        scopes text,
        generation bigint NOT NULL,
        seed text NOT NULL,
        counter bigint NOT NULL,
        rotated_at bigint,
        attempt_hash text,
        authenticated_at bigint NOT NULL,
        last_used_at bigint NOT NULL,
        idle_expires_at bigint NOT NULL,
        expires_at bigint NOT NULL,
        ended_at bigint,
        device text,
        network text
      ) WITH (fillfactor = 80);
      CREATE INDEX sessions_by_account ON sessions (account_id);
      CREATE TABLE signing_keys (
        kid text PRIMARY KEY,
        purpose text NOT NULL CHECK (purpose IN ('access-token', 'feed')),
        algorithm text NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'destroyed')),
        public_jwk text NOT NULL,
        sealed_private_key text,
        created_at bigint NOT NULL,
        activated_at bigint,
        retired_at bigint,
        destroyed_at bigint
      );
      CREATE UNIQUE INDEX signing_keys_pending ON signing_keys (purpose, algorithm) WHERE state = 'pending';
      CREATE UNIQUE INDEX signing_keys_active ON signing_keys (purpose, algorithm) WHERE state = 'active';
      CREATE TABLE revocation_head (
        id bigint PRIMARY KEY CHECK (id = 1),
        epoch text NOT NULL,
        base bigint NOT NULL,
        seq bigint NOT NULL,
        chain text NOT NULL,
        at bigint NOT NULL,
        kids text NOT NULL,
        access_token_seconds_max bigint NOT NULL
      ) WITH (fillfactor = 10);
      CREATE TABLE revocations (
        seq bigint PRIMARY KEY,
        kind text NOT NULL,
        fingerprint text NOT NULL,
        floor bigint NOT NULL,
        until bigint,
        at bigint NOT NULL
      );
      CREATE TABLE events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at bigint NOT NULL,
        kind text NOT NULL,
        account_id text,
        session_id text,
        actor text,
        reason text
      );
      CREATE INDEX events_by_account ON events (account_id, at);
    `,
  },
  {
    id: 4,
    name: 'which steps programs may be without, and what the log stands on',
    additive: true,
    sql: `
      ALTER TABLE migrations ADD COLUMN additive bigint NOT NULL DEFAULT 0;
      ALTER TABLE revocation_head ADD COLUMN lineage text;
    `,
  },
  {
    id: 5,
    name: 'what belongs to a person: address, attributes, links in mails, and the end of an account',
    additive: true,
    sql: `
      ALTER TABLE accounts ADD COLUMN email text;
      ALTER TABLE accounts ADD COLUMN email_verified_at bigint;
      ALTER TABLE accounts ADD COLUMN attributes text NOT NULL DEFAULT '{}';
      ALTER TABLE accounts ADD COLUMN unconfirmed bigint NOT NULL DEFAULT 0;
      ALTER TABLE accounts ADD COLUMN deleted_at bigint;
      ALTER TABLE accounts ADD COLUMN mailed_at bigint;
      ALTER TABLE accounts ADD COLUMN mails_paid_until bigint NOT NULL DEFAULT 0;
      CREATE INDEX accounts_unconfirmed ON accounts (created_at) WHERE unconfirmed = 1;
      CREATE TABLE account_links (
        token_hash text PRIMARY KEY,
        purpose text NOT NULL CHECK (purpose IN ('reset', 'verify-email')),
        account_id text NOT NULL REFERENCES accounts (id),
        email text NOT NULL,
        login_floor bigint NOT NULL,
        expires_at bigint NOT NULL
      );
      CREATE INDEX account_links_by_account ON account_links (account_id);
      CREATE INDEX account_links_by_expiry ON account_links (expires_at);
    `,
  },
  {
    id: 6,
    name: 'what failed logins leave behind, and the networks that accounts are known from',
    additive: true,
    sql: `
      CREATE TABLE login_counters (
        key text PRIMARY KEY,
        counter text NOT NULL CHECK (counter IN ('known', 'strangers', 'network')),
        account text,
        forgiven_at bigint NOT NULL,
        next_at bigint NOT NULL,
        expires_at bigint NOT NULL
      ) WITH (fillfactor = 80);
      CREATE INDEX login_counters_by_account ON login_counters (account) WHERE account IS NOT NULL;
      CREATE INDEX login_counters_by_expiry ON login_counters (expires_at);
    `,
  },
  {
    id: 7,
    name: 'when somebody has proved again who they are, and how refresh tokens are delivered',
    additive: true,
    sql: `
      ALTER TABLE sessions ADD COLUMN reauthenticated_at bigint;
      ALTER TABLE sessions ADD COLUMN delivery text NOT NULL DEFAULT 'body'
        CHECK (delivery IN ('body', 'cookie'));
      CREATE INDEX sessions_in_order ON sessions (account_id, authenticated_at) WHERE ended_at IS NULL;
    `,
  },
  {
    id: 8,
    // What accounts had for it, `mailed_at` and `mails_paid_until`, stays for releases that look at it. Addresses
    // are those that `parseEmailAddress` would leave as they are, and an administrator has not taken away.
    name: 'how much mail each mailbox has had lately, and where the mail of accounts from before goes',
    additive: true,
    sql: `
      CREATE TABLE mailboxes (
        key text PRIMARY KEY,
        mailed_at bigint NOT NULL,
        paid_until bigint NOT NULL
      );
      CREATE INDEX mailboxes_by_pace ON mailboxes (paid_until);
      UPDATE accounts SET email = identifier
        WHERE email IS NULL AND deleted_at IS NULL
          AND position('@' in identifier) <= 65
          AND identifier ~ '^[a-z0-9_+-]+([.][a-z0-9_+-]+)*@[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z]([a-z0-9-]*[a-z0-9])?)+$'
          AND NOT EXISTS (SELECT 1 FROM events WHERE account_id = accounts.id AND kind = 'email-changed');
    `,
  },
  {
    id: 9,
    name: 'how often an account has ended other sessions',
    additive: true,
    sql: `
      ALTER TABLE accounts ADD COLUMN endings_paid_until bigint NOT NULL DEFAULT 0;
    `,
  },
  {
    id: 10,
    name: 'events as chains of records that nobody can change unnoticed',
    additive: true,
    sql: `
      ALTER TABLE events ADD COLUMN client_id text;
      ALTER TABLE events ADD COLUMN network text;
      ALTER TABLE events ADD COLUMN details text;
      ALTER TABLE events ADD COLUMN chain text;
      ALTER TABLE events ADD COLUMN seq bigint;
      ALTER TABLE events ADD COLUMN mac text;
      ALTER TABLE events ADD COLUMN adopted bigint NOT NULL DEFAULT 0;
      CREATE UNIQUE INDEX events_in_chain ON events (chain, seq);
      CREATE INDEX events_by_time ON events (at);
      CREATE INDEX events_by_kind ON events (kind, id);
      CREATE INDEX events_by_actor ON events (actor, id) WHERE actor IS NOT NULL;
      CREATE TABLE audit_chains (
        number bigint PRIMARY KEY,
        chain text NOT NULL UNIQUE,
        opened_at bigint NOT NULL,
        opening_mac text NOT NULL,
        seq bigint NOT NULL,
        mac text NOT NULL,
        last_id bigint NOT NULL,
        pruned_seq bigint NOT NULL,
        pruned_mac text NOT NULL,
        pruned_id bigint NOT NULL,
        seal text NOT NULL
      );
      CREATE TABLE audit_roster (
        id bigint PRIMARY KEY CHECK (id = 1),
        chains bigint NOT NULL,
        mac text NOT NULL,
        seal text NOT NULL
      );
    `,
  },
  {
    id: 11,
    // `secret_hash` stays the newest secret, which is all that the release before looks at.
    name: 'what clients authenticate with while a secret is exchanged, their keys, and their end',
    additive: true,
    sql: `
      ALTER TABLE clients ADD COLUMN description text;
      ALTER TABLE clients ADD COLUMN secret_made_at bigint;
      ALTER TABLE clients ADD COLUMN former_secret_hash text;
      ALTER TABLE clients ADD COLUMN former_secret_until bigint;
      ALTER TABLE clients ADD COLUMN jwks text;
      ALTER TABLE clients ADD COLUMN deleted_at bigint;
    `,
  },
  {
    id: 12,
    name: 'which proofs and assertions were used',
    additive: true,
    sql: `
      CREATE TABLE used_proofs (
        key text PRIMARY KEY,
        until_at bigint NOT NULL
      );
      CREATE INDEX used_proofs_by_end ON used_proofs (until_at);
    `,
  },
  {
    id: 13,
    name: 'withdrawn keys, other secrets that are sealed, and the peppers of the tokens that live',
    additive: true,
    sql: `
      ALTER TABLE signing_keys ADD COLUMN withdrawn_at bigint;
      ALTER TABLE events ADD COLUMN kid text;
      CREATE TABLE sealed_secrets (
        name text PRIMARY KEY,
        sealed text NOT NULL
      );
      CREATE TABLE refresh_peppers (
        id text PRIMARY KEY,
        alive_until bigint NOT NULL
      );
    `,
  },
  {
    id: 14,
    name: 'when each line of keys was last wanted, and the secrets that live beside the keys',
    additive: true,
    sql: `
      CREATE TABLE key_lines (
        purpose text NOT NULL,
        algorithm text NOT NULL,
        wanted_at bigint NOT NULL,
        PRIMARY KEY (purpose, algorithm)
      );
      ALTER TABLE revocation_head ADD COLUMN shared_kids text NOT NULL DEFAULT '[]';
    `,
  },
  {
    id: 15,
    // Identifiers have an index in the order of the database's language, which finds no beginnings.
    name: 'the orders in which administrators turn the pages of accounts and sessions',
    additive: true,
    sql: `
      CREATE INDEX accounts_in_order ON accounts (created_at, id);
      CREATE INDEX accounts_blocked ON accounts (created_at, id)
        WHERE blocked_at IS NOT NULL AND deleted_at IS NULL;
      DROP INDEX accounts_unconfirmed;
      CREATE INDEX accounts_unconfirmed ON accounts (created_at, id) WHERE unconfirmed = 1;
      CREATE INDEX accounts_of_administrators ON accounts (id) WHERE roles LIKE '%"identity-admin"%';
      CREATE INDEX accounts_by_beginning ON accounts (identifier COLLATE "C");
      DROP INDEX sessions_in_order;
      CREATE INDEX sessions_in_order ON sessions (account_id, authenticated_at, id) WHERE ended_at IS NULL;
      CREATE INDEX sessions_by_login ON sessions (authenticated_at, id);
    `,
  },
  {
    id: 16,
    name: 'finding what was taken back by its fingerprint, and how often a client has revoked tokens',
    additive: true,
    sql: `
      CREATE INDEX revocations_by_fingerprint ON revocations (fingerprint);
      ALTER TABLE clients ADD COLUMN revocations_paid_until bigint NOT NULL DEFAULT 0;
      ALTER TABLE accounts ADD COLUMN revocations_paid_until bigint NOT NULL DEFAULT 0;
    `,
  },
  {
    id: 17,
    name: 'which key a session is bound to',
    additive: true,
    sql: `
      ALTER TABLE sessions ADD COLUMN dpop_jkt text;
    `,
  },
  {
    id: 18,
    name: 'how far those who follow the revocation feed say they have come',
    additive: true,
    sql: `
      CREATE TABLE followers (
        client_id text NOT NULL,
        follower text NOT NULL,
        epoch text NOT NULL,
        arrivals text NOT NULL,
        reported_at bigint NOT NULL,
        max_staleness_ms bigint,
        PRIMARY KEY (client_id, follower)
      );
    `,
  },
  eventStreamsStep({
    integer: 'bigint',
    ownId: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
    end: ');',
  }),
  anomaliesStep({
    integer: 'bigint',
    ownId: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
    end: ');',
  }),
  overviewStep({ integer: 'bigint', end: ');' }),
]
