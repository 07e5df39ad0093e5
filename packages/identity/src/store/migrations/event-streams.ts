import type { Migration } from '../migrations.ts'

/** How an engine says it. */
interface Words {
  readonly integer: string
  /** Ascending by itself. */
  readonly ownId: string
  readonly end: string
}

/** The same step for both engines. */
export function eventStreamsStep(words: Words): Migration {
  return {
    id: 19,
    // `position`: how far along the events a stream has come. Those of all streams are in one table, in the order of commits.
    name: 'streams of security events for receivers of the Shared Signals Framework',
    additive: true,
    sql: sqlOf(words),
  }
}

function sqlOf({ integer, ownId, end }: Words): string {
  return `
      ALTER TABLE revocation_head ADD COLUMN has_streams ${integer} NOT NULL DEFAULT 0;
      CREATE TABLE security_events (
        id ${ownId},
        at ${integer} NOT NULL,
        event text NOT NULL,
        cause text NOT NULL,
        txn text NOT NULL,
        initiator text NOT NULL,
        account_id text,
        session_id text,
        stream_id text,
        epoch text,
        seq ${integer},
        generation ${integer},
        details text
      ${end}
      CREATE INDEX security_events_by_time ON security_events (at);
      CREATE TABLE event_streams (
        id text PRIMARY KEY,
        client_id text,
        audience text NOT NULL,
        description text,
        delivery text NOT NULL,
        endpoint_url text,
        sealed_authorization text,
        events_requested text NOT NULL,
        events text NOT NULL,
        subject_format text NOT NULL,
        status text NOT NULL,
        status_reason text,
        created_at ${integer} NOT NULL,
        position ${integer} NOT NULL,
        verified_at ${integer},
        due_at ${integer} NOT NULL DEFAULT 0,
        lease text,
        lease_until ${integer} NOT NULL DEFAULT 0,
        tries ${integer} NOT NULL DEFAULT 0,
        failures ${integer} NOT NULL DEFAULT 0,
        delivered_at ${integer},
        failed_at ${integer},
        last_failure text,
        dropped ${integer} NOT NULL DEFAULT 0
      ${end}
      CREATE INDEX event_streams_of_client ON event_streams (client_id, id);
      CREATE TABLE unwanted_subjects (
        stream_id text NOT NULL,
        account_id text NOT NULL,
        PRIMARY KEY (stream_id, account_id)
      ${end}
      CREATE TABLE acknowledged_events (
        stream_id text NOT NULL,
        event_id ${integer} NOT NULL,
        PRIMARY KEY (stream_id, event_id)
      ${end}
      CREATE TABLE undelivered_events (
        stream_id text NOT NULL,
        event_id ${integer} NOT NULL,
        at ${integer} NOT NULL,
        tries ${integer} NOT NULL,
        why text NOT NULL,
        PRIMARY KEY (stream_id, event_id)
      ${end}
    `
}
