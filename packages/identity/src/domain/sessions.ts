/** One login on one device. Its id is the `sid` of every token that comes out of it. */
export interface Session {
  readonly id: string
  readonly accountId: string
  readonly clientId: string
  /** What the session may ever ask for; identity itself is always among it. */
  readonly audiences: readonly string[]
  /** The account's generation, read together with the credential that authenticated it. */
  readonly generation: number
  /** Milliseconds since 1970, like every time in the store. */
  readonly authenticatedAt: number
  readonly expiresAt: number
}

export interface SessionStore {
  readonly insert: (session: Session) => Promise<void>
}

/** 90 days: after this the person signs in again, however active the session was. */
export const sessionSecondsMax: number = 90 * 24 * 3600
