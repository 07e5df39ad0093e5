/** How many failures go free, and how long tries are apart after them. */
export interface TriesBound {
  readonly freeTries: number
  /**
   * The longest delay, and how long it takes until one failure is forgiven. It is one number because the
   * smaller of the two would decide alone: whoever goes on for ever gets one try in that time, and no more.
   */
  readonly delaySecondsMax: number
}

/** How long nobody tries again after so many failures: 0 for those that are free, then 1 s, 2 s, 4 s, … */
export function delayMsAfter(failures: number, { freeTries, delaySecondsMax }: TriesBound): number {
  if (failures < freeTries) return 0
  return Math.min(1000 * 2 ** (failures - freeTries), delaySecondsMax * 1000)
}

/**
 * The failures with which the delay is at its longest. More are not counted, so that after the longest
 * attack all is forgiven in that many times `delaySecondsMax`.
 */
export function failuresMax({ freeTries, delaySecondsMax }: TriesBound): number {
  return freeTries + Math.ceil(Math.log2(delaySecondsMax))
}
