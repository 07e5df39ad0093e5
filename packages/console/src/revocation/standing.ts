import type { RevocationPosition } from '@portcullis/client'
import type { FollowerInfo } from '@portcullis/client/admin'

/** How well a follower follows. */
export type Standing =
  | { readonly kind: 'current' }
  | { readonly kind: 'behind'; readonly by: number }
  /** It should have reported twice since. */
  | { readonly kind: 'silent' }
  /** Of an epoch that is over. */
  | { readonly kind: 'elsewhere' }

/** Each reports once in 50 seconds, and 20 more where a fleet is large. */
const silentMs = 75_000

/** `head`: the end of the log, as far as it is known. */
function standingOf(
  { position, reportedAt }: Pick<FollowerInfo, 'position' | 'reportedAt'>,
  head: RevocationPosition | undefined,
  nowMs: number,
): Standing {
  if (nowMs - reportedAt.getTime() > silentMs) return { kind: 'silent' }
  const at = readPosition(position)
  if (head === undefined || at === undefined) return { kind: 'current' }
  if (at.epoch !== head.epoch) return { kind: 'elsewhere' }
  return at.seq < head.seq ? { kind: 'behind', by: head.seq - at.seq } : { kind: 'current' }
}

/** The furthest of what the log says and what followers say: records that are no longer in force are not listed. */
export function headOf(
  newest: RevocationPosition | undefined,
  followers: readonly FollowerInfo[],
): RevocationPosition | undefined {
  const latest = followers.toSorted((one, other) => +other.reportedAt - +one.reportedAt)[0]
  const epoch = newest?.epoch ?? (latest && readPosition(latest.position)?.epoch)
  if (epoch === undefined) return undefined
  const seqs = followers.map(({ position }) => readPosition(position))
  const there = seqs.flatMap((at) => (at?.epoch === epoch ? [at.seq] : []))
  return { epoch, seq: there.reduce((most, seq) => Math.max(most, seq), newest?.seq ?? 0) }
}

/** `<epoch>:<seq>`; undefined where it is no position. */
export function readPosition(text: string): RevocationPosition | undefined {
  const [epoch, seqText, ...more] = text.split(':')
  const seq = Number(seqText)
  if (epoch === undefined || epoch === '' || !seqText || more.length > 0) return undefined
  return Number.isSafeInteger(seq) && seq >= 0 ? { epoch, seq } : undefined
}

export function positionText({ epoch, seq }: RevocationPosition): string {
  return `${epoch}:${seq}`
}

export interface PlacedFollower {
  readonly follower: FollowerInfo
  readonly standing: Standing
}

/** What needs looking at first comes first. */
export const standingKinds = ['silent', 'elsewhere', 'behind', 'current'] as const

/** Whether a filter lets it through: a kind, `trouble` for all that are not up to date, or nothing. */
export function isShown({ kind }: Standing, filter: string): boolean {
  if (filter === 'trouble') return kind !== 'current'
  return filter === '' || filter === kind
}

export type StandingCounts = Readonly<Record<Standing['kind'], number>>

export function countStandings(placed: readonly PlacedFollower[]): StandingCounts {
  const counts = { current: 0, behind: 0, silent: 0, elsewhere: 0 }
  for (const { standing } of placed) counts[standing.kind] += 1
  return counts
}

/** Who needs looking at comes first; otherwise in the order they were listed in. */
export function placeFollowers(
  {
    followers,
    head,
  }: { readonly followers: readonly FollowerInfo[] } & {
    readonly head: RevocationPosition | undefined
  },
  nowMs: number,
): readonly PlacedFollower[] {
  return followers
    .map((follower) => ({ follower, standing: standingOf(follower, head, nowMs) }))
    .toSorted((one, other) => rankOf(one.standing) - rankOf(other.standing))
}

function rankOf({ kind }: Standing): number {
  return standingKinds.indexOf(kind)
}
