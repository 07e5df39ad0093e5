import type { OpenedSeal, Sealer } from '../domain/sealing.ts'
import { text } from './columns.ts'
import type { Database, Query } from './database.ts'

/**
 * A secret that all nodes share and that outlives the sealing key. `first` is what it is when the store has
 * none yet; of several nodes that start together one is heard.
 */
export async function openSealedSecret(
  database: Database,
  sealer: Sealer,
  { name, first }: { readonly name: string; readonly first: Buffer },
): Promise<OpenedSeal> {
  const sealed = sealer.seal(first.toString('base64'), name)
  await database.write(
    'INSERT INTO sealed_secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
    [name, sealed],
  )
  const opened = await readSealedSecret(database.read, sealer, name)
  if (opened === undefined) throw new TypeError(`the secret ${name} is not there`)
  return opened
}

/** Undefined when the store has none of this name. */
export async function readSealedSecret(
  read: Query,
  sealer: Sealer,
  name: string,
): Promise<OpenedSeal | undefined> {
  const [row] = await read('SELECT sealed FROM sealed_secrets WHERE name = $1', [name])
  return row && sealer.open(text(row, 'sealed'), name)
}
