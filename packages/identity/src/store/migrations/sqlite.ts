import type { Migration } from '../migrations.ts'
import { anomaliesStep } from './anomalies.ts'
import { eventStreamsStep } from './event-streams.ts'
import { overviewStep } from './overview.ts'

/** The schema of the embedded store, step by step. `postgres.ts` has the same steps from the third on. */
export const sqliteMigrations: readonly Migration[] = [
  {
    id: 1,
    name: 'accounts, clients, sessions and signing keys',
    additive: false,
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
    additive: false,
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
    additive: false,
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
  {
    id: 4,
    name: 'which steps programs may be without, and what the log stands on',
    additive: true,
    sql: `
      ALTER TABLE migrations ADD COLUMN additive integer NOT NULL DEFAULT 0;
      ALTER TABLE revocation_head ADD COLUMN lineage text;
    `,
  },
  {
    id: 5,
    name: 'what belongs to a person: address, attributes, links in mails, and the end of an account',
    additive: true,
    sql: `
      ALTER TABLE accounts ADD COLUMN email text;
      ALTER TABLE accounts ADD COLUMN email_verified_at integer;
      ALTER TABLE accounts ADD COLUMN attributes text NOT NULL DEFAULT '{}';
      ALTER TABLE accounts ADD COLUMN unconfirmed integer NOT NULL DEFAULT 0;
      ALTER TABLE accounts ADD COLUMN deleted_at integer;
      ALTER TABLE accounts ADD COLUMN mailed_at integer;
      ALTER TABLE accounts ADD COLUMN mails_paid_until integer NOT NULL DEFAULT 0;
      CREATE INDEX accounts_unconfirmed ON accounts (created_at) WHERE unconfirmed = 1;
      CREATE TABLE account_links (
        token_hash text PRIMARY KEY,
        purpose text NOT NULL CHECK (purpose IN ('reset', 'verify-email')),
        account_id text NOT NULL REFERENCES accounts (id),
        email text NOT NULL,
        login_floor integer NOT NULL,
        expires_at integer NOT NULL
      ) STRICT;
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
        forgiven_at integer NOT NULL,
        next_at integer NOT NULL,
        expires_at integer NOT NULL
      ) STRICT;
      CREATE INDEX login_counters_by_account ON login_counters (account) WHERE account IS NOT NULL;
      CREATE INDEX login_counters_by_expiry ON login_counters (expires_at);
    `,
  },
  {
    id: 7,
    name: 'when somebody has proved again who they are, and how refresh tokens are delivered',
    additive: true,
    sql: `
      ALTER TABLE sessions ADD COLUMN reauthenticated_at integer;
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
        mailed_at integer NOT NULL,
        paid_until integer NOT NULL
      ) STRICT;
      CREATE INDEX mailboxes_by_pace ON mailboxes (paid_until);
      UPDATE accounts SET email = identifier
        WHERE email IS NULL AND deleted_at IS NULL
          AND instr(identifier, '@') <= 65
          AND identifier GLOB '?*@?*.?*' AND identifier NOT GLOB '*@*@*'
          AND identifier NOT GLOB '*[^a-z0-9._+@-]*' AND identifier NOT GLOB '*@*[^a-z0-9.-]*'
          AND identifier NOT GLOB '.*' AND identifier NOT GLOB '*[.@][.@]*' AND identifier NOT GLOB '*.'
          AND identifier NOT GLOB '*@-*' AND identifier NOT GLOB '*@*-.*' AND identifier NOT GLOB '*-'
          AND identifier NOT GLOB '*@*.[^a-z]*'
          AND NOT EXISTS (SELECT 1 FROM events WHERE account_id = accounts.id AND kind = 'email-changed');
    `,
  },
  {
    id: 9,
    name: 'how often an account has ended other sessions',
    additive: true,
    sql: `
      ALTER TABLE accounts ADD COLUMN endings_paid_until integer NOT NULL DEFAULT 0;
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
      ALTER TABLE events ADD COLUMN seq integer;
      ALTER TABLE events ADD COLUMN mac text;
      ALTER TABLE events ADD COLUMN adopted integer NOT NULL DEFAULT 0;
      CREATE UNIQUE INDEX events_in_chain ON events (chain, seq);
      CREATE INDEX events_by_time ON events (at);
      CREATE INDEX events_by_kind ON events (kind, id);
      CREATE INDEX events_by_actor ON events (actor, id) WHERE actor IS NOT NULL;
      CREATE TABLE audit_chains (
        number integer PRIMARY KEY,
        chain text NOT NULL UNIQUE,
        opened_at integer NOT NULL,
        opening_mac text NOT NULL,
        seq integer NOT NULL,
        mac text NOT NULL,
        last_id integer NOT NULL,
        pruned_seq integer NOT NULL,
        pruned_mac text NOT NULL,
        pruned_id integer NOT NULL,
        seal text NOT NULL
      ) STRICT;
      CREATE TABLE audit_roster (
        id integer PRIMARY KEY CHECK (id = 1),
        chains integer NOT NULL,
        mac text NOT NULL,
        seal text NOT NULL
      ) STRICT;
    `,
  },
  {
    id: 11,
    // `secret_hash` stays the newest secret, which is all that the release before looks at.
    name: 'what clients authenticate with while a secret is exchanged, their keys, and their end',
    additive: true,
    sql: `
      ALTER TABLE clients ADD COLUMN description text;
      ALTER TABLE clients ADD COLUMN secret_made_at integer;
      ALTER TABLE clients ADD COLUMN former_secret_hash text;
      ALTER TABLE clients ADD COLUMN former_secret_until integer;
      ALTER TABLE clients ADD COLUMN jwks text;
      ALTER TABLE clients ADD COLUMN deleted_at integer;
    `,
  },
  {
    id: 12,
    name: 'which proofs and assertions were used',
    additive: true,
    sql: `
      CREATE TABLE used_proofs (
        key text PRIMARY KEY,
        until_at integer NOT NULL
      ) STRICT;
      CREATE INDEX used_proofs_by_end ON used_proofs (until_at);
    `,
  },
  {
    id: 13,
    name: 'withdrawn keys, other secrets that are sealed, and the peppers of the tokens that live',
    additive: true,
    sql: `
      ALTER TABLE signing_keys ADD COLUMN withdrawn_at integer;
      ALTER TABLE events ADD COLUMN kid text;
      CREATE TABLE sealed_secrets (
        name text PRIMARY KEY,
        sealed text NOT NULL
      ) STRICT;
      CREATE TABLE refresh_peppers (
        id text PRIMARY KEY,
        alive_until integer NOT NULL
      ) STRICT;
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
        wanted_at integer NOT NULL,
        PRIMARY KEY (purpose, algorithm)
      ) STRICT;
      ALTER TABLE revocation_head ADD COLUMN shared_kids text NOT NULL DEFAULT '[]';
    `,
  },
  {
    id: 15,
    name: 'the orders in which administrators turn the pages of accounts and sessions',
    additive: true,
    sql: `
      CREATE INDEX accounts_in_order ON accounts (created_at, id);
      CREATE INDEX accounts_blocked ON accounts (created_at, id)
        WHERE blocked_at IS NOT NULL AND deleted_at IS NULL;
      DROP INDEX accounts_unconfirmed;
      CREATE INDEX accounts_unconfirmed ON accounts (created_at, id) WHERE unconfirmed = 1;
      CREATE INDEX accounts_of_administrators ON accounts (id) WHERE roles LIKE '%"identity-admin"%';
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
      ALTER TABLE clients ADD COLUMN revocations_paid_until integer NOT NULL DEFAULT 0;
      ALTER TABLE accounts ADD COLUMN revocations_paid_until integer NOT NULL DEFAULT 0;
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
        reported_at integer NOT NULL,
        max_staleness_ms integer,
        PRIMARY KEY (client_id, follower)
      ) STRICT;
    `,
  },
  eventStreamsStep({
    integer: 'integer',
    ownId: 'integer PRIMARY KEY AUTOINCREMENT',
    end: ') STRICT;',
  }),
  anomaliesStep({
    integer: 'integer',
    ownId: 'integer PRIMARY KEY AUTOINCREMENT',
    end: ') STRICT;',
  }),
  overviewStep({ integer: 'integer', end: ') STRICT;' }),
]
