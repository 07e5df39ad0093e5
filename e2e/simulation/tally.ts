/** How often each thing has happened. */
export interface Tally {
  readonly count: (what: string, times?: number) => void
  readonly counts: () => Readonly<Record<string, number>>
  readonly add: (others: Readonly<Record<string, number>>) => void
}

export function createTally(): Tally {
  const counts = new Map<string, number>()
  const count: Tally['count'] = (what, times = 1) =>
    counts.set(what, (counts.get(what) ?? 0) + times)
  return {
    count,
    counts: () =>
      Object.fromEntries([...counts].toSorted(([one], [other]) => (one < other ? -1 : 1))),
    add: (others) => {
      for (const [what, times] of Object.entries(others)) count(what, times)
    },
  }
}
