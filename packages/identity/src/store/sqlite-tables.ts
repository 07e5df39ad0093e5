import type { TableFault } from './database.ts'
import { describeTable, inspectFile } from './sqlite-inspection.ts'
import { freshSchema } from './sqlite-schema.ts'

/**
 * Whoever can write the file can put a view in the place of a table, or have an index that lacks rows, so that queries
 * pass them over.
 */
export async function tableFaultIn(
  path: string,
  tables: readonly string[],
): Promise<TableFault | undefined> {
  const made = await freshSchema()
  try {
    const facts = tables.map((table) => [table, describeTable(made, table)] as const)
    return await inspectFile(path, Object.fromEntries(facts))
  } finally {
    made.close()
  }
}
