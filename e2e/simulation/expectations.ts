type Counts = Readonly<Record<string, number>>

/** What a run of many schedules must have seen, each so often in a thousand, or it proves less than it seems. */
const seldomPerThousand: Readonly<Record<string, number>> = {
  'taken back: session': 300,
  'taken back: account': 300,
  'taken back: client': 30,
  'taken back: token': 60,
  'taken back: key': 30,
  'taken back: all': 3,
  'thefts found': 10,
  'revocations in doubt': 60,
  'epochs renewed': 60,
  failovers: 60,
  'failovers that lost commits': 5,
  'old primaries that were isolated': 20,
  restores: 20,
  crashes: 200,
  'lifetimes changed': 10,
  'followers restarted': 60,
  'followers restarted from disk': 15,
  'states that were lost': 5,
  'old states that were put back': 5,
  'receipts: everywhere': 30,
  'receipts: not everywhere': 5,
  partitions: 200,
  'relays that delay everything': 20,
  'snapshots that came late': 20,
  'snapshots that were played back': 10,
  'snapshots that were forged': 10,
  'frames that were forged': 100,
  'frames that were dropped': 100,
  'frames that came twice': 100,
  'frames that were held back': 100,
  'frames that were played back': 100,
  'clocks stepped far': 10,
  'clocks of the store stepped': 20,
  'long nights': 10,
  'mints that stalled': 60,
  'tokens that were forged': 300,
  'keys rotated: access-token': 5,
  'keys rotated: feed': 5,
  exchanges: 200,
  'refreshes rotated': 300,
  'refreshes repeated': 5,
  'refused as revoked': 3_000,
  'refused as key-withdrawn': 100,
  'refused as stale': 500,
  'refused as keys-unavailable': 100,
  'tokens let in': 3_000,
  'tokens let in within the bound': 500,
  'tokens as the log has it': 3_000,
  'tables as the log has them': 1_500,
  'records as the log has them': 4_000,
  'connections ended': 300,
  'checkpoints applied': 10_000,
}

/** What did not happen often enough, in so many schedules. */
export function gapsIn(counts: Counts, schedules: number): readonly string[] {
  return Object.entries(seldomPerThousand)
    .map(
      ([what, perThousand]) => [what, Math.floor((perThousand * schedules) / 1_000 / 2)] as const,
    )
    .filter(([what, least]) => (counts[what] ?? 0) < least)
    .map(([what, least]) => `${what}: ${counts[what] ?? 0}, and should have been ${least} or more`)
}
