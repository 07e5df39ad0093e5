import type { RunningIdentity } from './running-identity.ts'

/** Lets every write of that kind fail from here on, as a full disk would, and answers how to mend it. */
export async function breakWrites(
  { query, database }: Pick<RunningIdentity, 'query' | 'database'>,
  what: 'UPDATE ON sessions' | 'INSERT ON revocations',
): Promise<() => Promise<void>> {
  const isPostgres = database.startsWith('postgres')
  if (isPostgres) {
    await query(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$`)
  }
  const fail = isPostgres
    ? 'EXECUTE FUNCTION full_disk()'
    : "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
  await query(`CREATE TRIGGER full_disk BEFORE ${what} FOR EACH ROW ${fail}`)
  const [, table = ''] = what.split(' ON ')
  return async () => {
    await query(`DROP TRIGGER full_disk${isPostgres ? ` ON ${table}` : ''}`)
  }
}
