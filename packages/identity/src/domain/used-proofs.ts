/**
 * Remembers, for all nodes, which proofs of possession (RFC 9449) and client assertions (RFC 7523) were used. Only
 * what somebody has proved to be theirs comes here, so strangers cannot fill it.
 */
export interface UsedProofs {
  /**
   * True for the first use of this key, in one durable step, and false until `untilMs` (milliseconds since 1970),
   * when whatever it names is too old by itself.
   */
  readonly use: (key: string, untilMs: number) => Promise<boolean>
  /** Takes away a bounded number of those that nobody can use any more, and answers how many they were. */
  readonly forget: () => Promise<number>
}
