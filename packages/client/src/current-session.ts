import { signedOut } from './client-error.ts'
import type { Lock } from './session-lock.ts'
import type { SessionStore, StoredSession } from './session-store.ts'
import { parseStoredSession } from './session-store.ts'

/** The one that reads and writes the store. */
export interface CurrentSession {
  readonly read: () => Promise<StoredSession | undefined>
  /** The session, or a `signed-out` error. */
  readonly demand: () => Promise<StoredSession>
  /** Puts a new session in the place of whatever was there. */
  readonly begin: (session: StoredSession) => Promise<void>
  /** Writes the new state of a session, unless that is not the current one any more. */
  readonly update: (session: StoredSession) => Promise<void>
  /** Forgets this session, and no other that may have taken its place. */
  readonly forget: (sessionId: string) => Promise<void>
  /** The same, when everyone who was busy with the session has finished. */
  readonly forgetFinally: (sessionId: string) => Promise<void>
  /** Runs the job while nobody else who shares the store changes the session. */
  readonly exclusively: <Result>(
    job: (session: StoredSession) => Promise<Result>,
  ) => Promise<Result>
}

export interface CurrentSessionParts {
  readonly issuer: string
  readonly clientId: string
  readonly store: SessionStore
  readonly lock: Lock
}

/** Remembers nothing beside the store, which another tab or an earlier run may have written. */
export function createCurrentSession(parts: CurrentSessionParts): CurrentSession {
  const { store, lock } = parts

  const read = async (): Promise<StoredSession | undefined> =>
    parseStoredSession(await store.read(), parts)

  const demand = async (): Promise<StoredSession> => {
    const session = await read()
    if (session === undefined) throw signedOut()
    return session
  }

  const forget = async (sessionId: string): Promise<void> => {
    if ((await read())?.sessionId === sessionId) await store.write(undefined)
  }

  // The name holds the session, so that the people of one server do not wait for each other.
  const lockOf = <Result>(sessionId: string, job: () => Promise<Result>): Promise<Result> =>
    lock(`portcullis ${parts.issuer} ${sessionId}`, job)

  const exclusively: CurrentSession['exclusively'] = async (job) => {
    const { sessionId } = await demand()
    const outcome = await lockOf(sessionId, async () => {
      const session = await demand()
      return session.sessionId === sessionId ? { result: await job(session) } : undefined
    })
    // Somebody has signed in meanwhile: that session has a lock of its own.
    return outcome === undefined ? exclusively(job) : outcome.result
  }

  return {
    read,
    demand,
    forget,
    exclusively,
    begin: async (session) => {
      // A refresh of the session before must not write over this one.
      const before = await read()
      const write = (): Promise<void> => store.write(session)
      await (before === undefined ? write() : lockOf(before.sessionId, write))
    },
    update: async (session) => {
      // A logout waits for nobody, and what it ended must not come back.
      if ((await demand()).sessionId !== session.sessionId) throw signedOut()
      await store.write(session)
    },
    forgetFinally: (sessionId) => lockOf(sessionId, () => forget(sessionId)),
  }
}
