import type { Unmade } from '../attacks/attack.ts'
import type { RevocationOutcome, Trial } from './outcome.ts'
import type { Observation, Report } from './report.ts'
import { countsOf, findingsOf, heldOf, observationsOf } from './report.ts'

/** A report but for when it was made. */
export type Found = Omit<Report, 'startedAt' | 'endedAt' | 'requests'>

export interface Findable {
  readonly target: string
  readonly mode: Report['mode']
  readonly trials: readonly Trial[]
  readonly notMade: readonly Unmade[]
  /** What was seen beside the answers to attacks. */
  readonly others: readonly Observation[]
  readonly revocation: RevocationOutcome
  /** Proofs of possession, without which a bound token is worth nothing. */
  readonly takesProofs: boolean
}

/** Of the tokens in the corpus that are bound to a key, the one that DPoP is about. */
const boundByProof = 'V67-cnf-jkt'

export function foundBy(findable: Findable): Found {
  const { target, mode, trials, notMade, others, revocation, takesProofs } = findable
  const seen = [...observationsOf(trials), ...others].map((one) =>
    one.id === boundByProof && takesProofs ? { ...one, severity: 'high' as const } : one,
  )
  const all = findingsOf(seen)
  return {
    version: 1,
    target,
    mode,
    attacks: countsOf(trials, notMade),
    findings: all.filter(({ severity }) => severity !== 'info'),
    notes: all.filter(({ severity }) => severity === 'info'),
    revocation,
    held: heldOf(trials),
    notJudged: trials.flatMap(({ attack, outcome }) =>
      outcome.kind === 'not-judged' ? [{ id: attack.id, why: outcome.why }] : [],
    ),
    notMade,
  }
}

/** Nothing else would say anything: every attack passes where nobody is asked for a token. */
export function foundOpen(target: string, mode: Report['mode'], status: number): Found {
  const open: Observation = {
    id: 'V93-missing',
    forges: 'no Authorization field',
    weakness: 'no-token',
    references: ['RFC 6750 2.1'],
    saw: `accepted (${status})`,
  }
  return {
    version: 1,
    target,
    mode,
    attacks: { made: 1, refused: 0, accepted: 1, noted: 0, notJudged: 0, notMade: 0 },
    findings: findingsOf([open]),
    notes: [],
    revocation: { kind: 'not-tried', why: 'it asks nobody for a token' },
    held: [],
    notJudged: [],
    notMade: [],
  }
}
