import type { AnyWatcher, Judged, Judging } from './watchers.ts'
import { watcher } from './watchers.ts'
import type { At, Sighting } from './sightings.ts'
import type { Volume } from './usual-volume.ts'
import { daysKept, newVolume, seeVolume } from './usual-volume.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** Looks come more often, and so do reports. */
const missedMs = 2 * minuteMs
/** One report may have taken long to come. */
const clockLastsMs = 30_000

/** Something that was seen of a follower again and again, since when and until when. */
interface Lasting {
  readonly since: number
  readonly last: number
}

function lasting(before: Lasting | undefined, at: number): Lasting {
  const goesOn = before !== undefined && at - before.last < missedMs
  return { since: goesOn ? before.since : at, last: at }
}

/** Where the feed is open, on loopback, followers need no client. */
function serviceOf(clientId: string): string {
  return clientId === '' ? 'unnamed' : clientId
}

const behind = watcher<Lasting>({
  name: 'follower-behind',
  keepMs: missedMs,
  subjectOf: (clue) =>
    clue.kind === 'follower-behind' ? `${clue.clientId}.${clue.follower}` : undefined,
  see: (before, clue, { bounds }) => {
    const { at } = clue
    const state = lasting(before, at)
    if (clue.kind !== 'follower-behind') return { state }
    const { clientId, follower, lacks } = clue
    const seconds = Math.floor((at - state.since) / 1000)
    // When its epoch ended nobody knows; of what it lacks in the present one all is as old as it must be.
    if (lacks === undefined && seconds < bounds.followerBehindSeconds) return { state }
    const counts = { seconds, ...(lacks !== undefined && { revocations: lacks }) }
    const evidence = { followers: [follower], counts }
    const subject = serviceOf(clientId)
    return { state, findings: [{ rule: 'follower-behind', subject, at, evidence }] }
  },
})

const clocks = watcher<Lasting>({
  name: 'clock-of-follower',
  keepMs: missedMs,
  subjectOf: (clue) =>
    clue.kind === 'clock-apart' ? `${clue.clientId}.${clue.follower}` : undefined,
  see: (before, clue, { bounds }) => {
    const isApart =
      clue.kind === 'clock-apart' && Math.abs(clue.apartMs) >= bounds.clockApartSeconds * 1000
    if (!isApart) return { state: { since: clue.at, last: 0 } }
    const { at, clientId, follower, apartMs } = clue
    const state = lasting(before, at)
    if (at - state.since < clockLastsMs) return { state }
    const direction = apartMs > 0 ? { ahead: 1 } : { late: 1 }
    const counts = { apart_ms: Math.abs(Math.round(apartMs)), ...direction }
    const evidence = { followers: [follower], counts }
    return {
      state,
      findings: [{ rule: 'clock-apart', subject: serviceOf(clientId), at, evidence }],
    }
  },
})

const refusalSlotMs = 10 * minuteMs
const refusalsLearnedMs = 2 * dayMs
/**
 * It is what a follower says, and nobody can look. So that one false report raises nothing, what is reported within a
 * sixth of the slot counts for so much of the bound at most.
 */
const shareOfMomentMax = 1 / 3
/** Honest clients cause these, some more on some days than on others. */
const usualReasons: ReadonlySet<string> = new Set(['expired', 'revoked', 'stale'])

const refusals = watcher<Volume>({
  name: 'refusals-of-service',
  keepMs: daysKept * dayMs,
  subjectOf: (clue) =>
    clue.kind === 'tokens-refused' ? `${serviceOf(clue.clientId)} ${clue.reason}` : undefined,
  see: (volume, clue, judging) => {
    const known = volume ?? newVolume(clue.at)
    return clue.kind === 'tokens-refused' ? seeRefusals(known, clue, judging) : { state: known }
  },
})

function seeRefusals(
  volume: Volume,
  { at, clientId, reason, times }: At<Extract<Sighting, { readonly kind: 'tokens-refused' }>>,
  { bounds }: Judging,
): Judged<Volume> {
  const seen = seeVolume(volume, { at, times, slotMs: refusalSlotMs })
  const { state, ofLate, usual } = seen
  const believed = seen.ofLateWith(Math.ceil(bounds.refusalsMin * shareOfMomentMax))
  const isMuch = believed >= bounds.refusalsMin && ofLate >= bounds.refusalsTimesUsual * usual
  const isLearning = usualReasons.has(reason) && at - state.since < refusalsLearnedMs
  if (!isMuch || isLearning) return { state }
  const evidence = { reason, counts: { [reason]: ofLate, usual } }
  const subject = serviceOf(clientId)
  return { state, findings: [{ rule: 'refused-tokens', subject, at, evidence }] }
}

export const followerWatchers: readonly AnyWatcher[] = [behind, clocks, refusals]
