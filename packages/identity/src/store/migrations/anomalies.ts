import type { Migration } from '../migrations.ts'

/** How an engine says it. */
interface Words {
  readonly integer: string
  /** Ascending by itself. */
  readonly ownId: string
  readonly end: string
}

/** The same step for both engines. */
export function anomaliesStep(words: Words): Migration {
  return {
    id: 20,
    // What was recorded before is not judged: each chain goes on from where it stands.
    name: 'what nodes have seen, what the rules remember of it, and the anomalies that they found',
    additive: true,
    sql: sqlOf(words),
  }
}

function sqlOf({ integer, ownId, end }: Words): string {
  return `
      CREATE TABLE sightings (
        id ${ownId},
        seen text NOT NULL
      ${end}
      CREATE TABLE anomaly_turns (
        id ${integer} PRIMARY KEY,
        version ${integer} NOT NULL,
        looked_at ${integer} NOT NULL
      ${end}
      INSERT INTO anomaly_turns (id, version, looked_at) VALUES (1, 0, 0);
      CREATE TABLE anomaly_cursors (
        chain text PRIMARY KEY,
        seq ${integer} NOT NULL
      ${end}
      INSERT INTO anomaly_cursors (chain, seq) SELECT chain, seq FROM audit_chains;
      CREATE TABLE anomaly_states (
        watcher text NOT NULL,
        subject text NOT NULL,
        state text NOT NULL,
        until_at ${integer} NOT NULL,
        PRIMARY KEY (watcher, subject)
      ${end}
      CREATE INDEX anomaly_states_by_end ON anomaly_states (until_at);
      CREATE TABLE anomalies (
        id ${ownId},
        rule text NOT NULL,
        severity text NOT NULL,
        about text NOT NULL,
        subject text NOT NULL,
        evidence text NOT NULL,
        first_at ${integer} NOT NULL,
        last_at ${integer} NOT NULL,
        times ${integer} NOT NULL,
        actions text,
        acted_at ${integer},
        outcome text
      ${end}
      CREATE INDEX anomalies_of_subject ON anomalies (rule, subject, id);
      CREATE INDEX anomalies_to_act_on ON anomalies (id) WHERE actions IS NOT NULL AND acted_at IS NULL;
      CREATE INDEX anomalies_by_time ON anomalies (last_at);
    `
}
