import type { Query, TableFault } from './database.ts'

/**
 * The owner of a table can put a view, a rule or row level security in the way of whoever reads. An index that lacks
 * rows takes the files of the server, or its catalog, and is for its own tools to find (`amcheck`).
 */
export async function tableFaultOf(
  read: Query,
  tables: readonly string[],
): Promise<TableFault | undefined> {
  for (const table of tables) {
    const plain = await read(
      `SELECT relname FROM pg_class
       WHERE oid = to_regclass($1) AND relkind = 'r' AND NOT relrowsecurity AND NOT relhasrules`,
      [table],
    )
    if (plain.length === 0) return { what: 'table' }
  }
  return undefined
}
