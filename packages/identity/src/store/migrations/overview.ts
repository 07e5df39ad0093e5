import type { Migration } from '../migrations.ts'

/** How an engine says it. */
interface Words {
  readonly integer: string
  readonly end: string
}

/** The same step for both engines. */
export function overviewStep({ integer, end }: Words): Migration {
  return {
    id: 22,
    // What a record of the log is about is known of those that are written from here on.
    name: 'what an overview shows: counts of nodes, what followers are, and what revocations are about',
    additive: true,
    sql: `
      CREATE TABLE activity (
        at ${integer} NOT NULL,
        node text NOT NULL,
        counts text NOT NULL,
        PRIMARY KEY (at, node)
      ${end}
      ALTER TABLE followers ADD COLUMN software text;
      ALTER TABLE followers ADD COLUMN version text;
      ALTER TABLE followers ADD COLUMN checkpoint_at ${integer};
      ALTER TABLE revocations ADD COLUMN subject text;
      ALTER TABLE revocations ADD COLUMN cause text;
      ALTER TABLE revocations ADD COLUMN account_id text;
      ALTER TABLE revocations ADD COLUMN actor text;
      ALTER TABLE revocations ADD COLUMN reason text;
    `,
  }
}
