import type { KeyLine } from '../domain/key-life.ts'
import { lineUnwantedMsMax } from '../domain/key-upkeep.ts'
import { text } from './columns.ts'
import type { Query } from './database.ts'

/*
 * When a node last wanted each line. Nodes do not know of one another, and may have different files while
 * they change over one by one.
 */

export async function noteWantedLines(query: Query, wanted: readonly KeyLine[]): Promise<void> {
  for (const { purpose, algorithm } of wanted) {
    await query(
      `INSERT INTO key_lines (purpose, algorithm, wanted_at) VALUES ($1, $2, statement_now())
       ON CONFLICT (purpose, algorithm) DO UPDATE SET wanted_at = statement_now()`,
      [purpose, algorithm],
    )
  }
  // A line from before anybody noted it may be wanted by a node that has not come to it yet.
  await query(
    `INSERT INTO key_lines (purpose, algorithm, wanted_at)
     SELECT purpose, algorithm, statement_now() FROM signing_keys WHERE state = 'active'
     ON CONFLICT (purpose, algorithm) DO NOTHING`,
  )
}

/** Those that have a key which signs, although no node has wanted it for long. */
export async function readUnwantedLines(query: Query): Promise<readonly KeyLine[]> {
  const rows = await query(
    `SELECT purpose, algorithm FROM key_lines AS line
     WHERE wanted_at <= statement_now() - $1 AND EXISTS (
       SELECT 1 FROM signing_keys AS signing
       WHERE signing.state = 'active'
         AND signing.purpose = line.purpose AND signing.algorithm = line.algorithm)`,
    [lineUnwantedMsMax],
  )
  return rows.map((row) => ({
    // They come from `signing_keys`, or from a node that wanted them.
    purpose: text(row, 'purpose') as KeyLine['purpose'],
    algorithm: text(row, 'algorithm') as KeyLine['algorithm'],
  }))
}
