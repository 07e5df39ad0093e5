import type { AnyWatcher, Judged, Judging } from './watchers.ts'
import { watcher } from './watchers.ts'
import type { At, Sighting } from './sightings.ts'
import type { Volume } from './usual-volume.ts'
import { daysKept, newVolume, seeVolume } from './usual-volume.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Before that nobody knows what is usual at night. */
const learnedMs = 2 * dayMs

const ofClient = watcher<Volume>({
  name: 'volume-of-client',
  keepMs: daysKept * dayMs,
  subjectOf: (clue) => (clue.kind === 'tokens-issued' ? clue.clientId : undefined),
  see: (volume, clue, judging) => {
    const known = volume ?? newVolume(clue.at)
    return clue.kind === 'tokens-issued' ? seeTokens(known, clue, judging) : { state: known }
  },
})

function seeTokens(
  volume: Volume,
  { at, clientId, times }: At<Extract<Sighting, { readonly kind: 'tokens-issued' }>>,
  { bounds }: Judging,
): Judged<Volume> {
  const { state, ofLate, usual } = seeVolume(volume, { at, times, slotMs: hourMs })
  const isMuch = ofLate >= bounds.tokensMin && ofLate >= bounds.tokensTimesUsual * usual
  if (!isMuch || at - state.since < learnedMs) return { state }
  const evidence = { counts: { tokens_in_an_hour: ofLate, usual_in_an_hour: usual } }
  return { state, findings: [{ rule: 'token-volume', subject: clientId, at, evidence }] }
}

export const clientWatchers: readonly AnyWatcher[] = [ofClient]
