import type { DatabaseSync } from 'node:sqlite'

/** Runs steps as one atomic change; resolves when it is durable. */
export type Commit = <Result>(steps: () => Promise<Result>) => Promise<Result>

/** Changes that share one flush of the disk. More would only make the first of them wait. */
const groupMax = 64

interface Change {
  /** Makes the change and answers how to tell whoever asked for it. */
  readonly make: () => Promise<() => void>
  readonly fail: (error: unknown) => void
}

export interface GroupCommit {
  readonly commit: Commit
  /** Resolves when nothing is waiting any more. */
  readonly idle: () => Promise<void>
}

/**
 * Commits the changes that were asked for within one turn of the event loop together, because flushing the
 * disk costs as much for one as for many. Each has a savepoint of its own: one that fails undoes itself and
 * nothing else. Nobody is answered before the commit of all.
 */
export function createGroupCommit(connection: DatabaseSync): GroupCommit {
  const waiting: Change[] = []
  let underWay: Promise<void> | undefined

  const takeTurns = async (): Promise<void> => {
    while (waiting.length > 0) {
      // Behind what the event loop has at hand, so that those requests can join.
      await new Promise((resolve) => setImmediate(resolve))
      await commitGroup(connection, waiting.splice(0, groupMax))
    }
    // In the same moment as the last look at who waits: whoever comes after it has to begin anew.
    underWay = undefined
  }
  return {
    commit: (steps) =>
      new Promise((resolve, reject) => {
        const make = async (): Promise<() => void> => {
          const result = await steps()
          return () => resolve(result)
        }
        waiting.push({ make, fail: reject })
        underWay ??= takeTurns()
      }),
    idle: async () => underWay,
  }
}

async function commitGroup(connection: DatabaseSync, group: readonly Change[]): Promise<void> {
  const answers: (() => void)[] = []
  try {
    // A deferred transaction could not be upgraded once another process has committed, and would fail
    // instead of waiting its turn.
    connection.exec('BEGIN IMMEDIATE')
    for (const change of group) answers.push(await makeChange(connection, change))
    connection.exec('COMMIT')
  } catch (error) {
    if (connection.isOpen && connection.isTransaction) connection.exec('ROLLBACK')
    for (const { fail } of group) fail(error)
    return
  }
  for (const answer of answers) answer()
}

async function makeChange(connection: DatabaseSync, change: Change): Promise<() => void> {
  connection.exec('SAVEPOINT change')
  try {
    const answer = await change.make()
    connection.exec('RELEASE change')
    return answer
  } catch (error) {
    // A fault of the disk has undone the whole transaction by itself: then nobody's change was made.
    if (!connection.isTransaction) throw error
    connection.exec('ROLLBACK TO change; RELEASE change')
    return () => change.fail(error)
  }
}
