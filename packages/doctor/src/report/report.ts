import type { Unmade } from '../attacks/attack.ts'
import type { WeaknessId } from '../attacks/weaknesses.ts'
import { weaknessNamed } from '../attacks/weaknesses.ts'
import type { Severity } from './severity.ts'
import { isAtLeast, severities } from './severity.ts'
import type { RevocationOutcome, Trial } from './outcome.ts'

/** One weakness that was found, with every attack that shows it. */
export interface Finding {
  readonly weakness: WeaknessId
  /** Of the worst of its attacks. */
  readonly severity: Severity
  readonly title: string
  readonly meaning: string
  readonly remedy: string
  /** Sections of RFCs and ids of advisories, from the corpus. */
  readonly references: readonly string[]
  readonly evidence: readonly Evidence[]
}

export interface Evidence {
  /** As in `vectors/`. */
  readonly id: string
  readonly forges: string
  readonly severity: Severity
  /** What happened, in words. */
  readonly saw: string
}

export interface Counts {
  readonly made: number
  readonly refused: number
  /** `low` and worse. */
  readonly accepted: number
  /** Accepted, of severity `info`. */
  readonly noted: number
  readonly notJudged: number
  readonly notMade: number
}

/** Its shape is documented in docs/doctor.md, and a member keeps its meaning while `version` is the same. */
export interface Report {
  readonly version: 1
  readonly target: string
  readonly mode: 'own-issuer' | 'given-token'
  /** RFC 3339. */
  readonly startedAt: string
  readonly endedAt: string
  readonly requests: number
  readonly attacks: Counts
  /** `low` and worse; the worst first. */
  readonly findings: readonly Finding[]
  /** Of severity `info`. */
  readonly notes: readonly Finding[]
  readonly revocation: RevocationOutcome
  /** What was refused, by weakness. */
  readonly held: readonly { readonly weakness: WeaknessId; readonly attacks: number }[]
  readonly notJudged: readonly Unmade[]
  readonly notMade: readonly Unmade[]
}

export interface Observation {
  readonly weakness: WeaknessId
  readonly severity?: Severity
  readonly id: string
  readonly forges: string
  readonly references: readonly string[]
  readonly saw: string
}

/** Everything of the trials that is worth a word. */
export function observationsOf(trials: readonly Trial[]): readonly Observation[] {
  return trials.flatMap(({ attack, outcome, faults }) => {
    const { id, forges, references, weakness, severity } = attack
    const base = { id, forges, references }
    const accepted =
      outcome.kind === 'accepted'
        ? [{ ...base, weakness, severity, saw: `accepted (${outcome.status})` }]
        : []
    const said = outcome.kind === 'not-judged' ? outcome.why : `answered ${outcome.status}`
    return [...accepted, ...faults.map((fault) => ({ ...base, weakness: fault, saw: said }))]
  })
}

export function findingsOf(observations: readonly Observation[]): readonly Finding[] {
  const groups = Map.groupBy(observations, ({ weakness }) => weakness)
  const findings = [...groups].map(([weakness, group]): Finding => {
    const { title, meaning, remedy, severity: usual } = weaknessNamed(weakness)
    const evidence = group.map(({ id, forges, saw, severity = usual }) => ({
      id,
      forges,
      severity,
      saw,
    }))
    const severity = severities.find((one) => evidence.some((each) => each.severity === one))
    const references = [...new Set(group.flatMap((each) => each.references))]
    return { weakness, severity: severity ?? usual, title, meaning, remedy, references, evidence }
  })
  return findings.toSorted(
    (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity),
  )
}

/** A report about a service or about an issuer. */
export interface WithFindings {
  readonly findings: readonly { readonly severity: Severity }[]
  readonly notes: readonly { readonly severity: Severity }[]
}

/** True when something is as bad as that, or worse. */
export function hasFindings(report: WithFindings, bound: Severity): boolean {
  return [...report.findings, ...report.notes].some(({ severity }) => isAtLeast(severity, bound))
}

export function countsOf(trials: readonly Trial[], notMade: readonly Unmade[]): Counts {
  const count = (kind: Trial['outcome']['kind']): number =>
    trials.filter(({ outcome }) => outcome.kind === kind).length
  const noted = trials.filter(
    ({ attack, outcome }) => outcome.kind === 'accepted' && attack.severity === 'info',
  ).length
  return {
    made: trials.length,
    refused: count('refused'),
    accepted: count('accepted') - noted,
    noted,
    notJudged: count('not-judged'),
    notMade: notMade.length,
  }
}

/** What was only refused: nothing of it was accepted. */
export function heldOf(trials: readonly Trial[]): Report['held'] {
  const groups = Map.groupBy(trials, ({ attack }) => attack.weakness)
  return [...groups]
    .filter(([, group]) => group.every(({ outcome }) => outcome.kind !== 'accepted'))
    .map(([weakness, group]) => ({
      weakness,
      attacks: group.filter(({ outcome }) => outcome.kind === 'refused').length,
    }))
    .filter(({ attacks }) => attacks > 0)
}

/** Of what was tried; the rest was about limits, outages or something else. */
const judgedShareMin = 0.75

/** False when so little was judged that nothing follows from nothing having been found. */
export function isConclusive({ attacks: { made, notJudged } }: Pick<Report, 'attacks'>): boolean {
  return made > 0 && made - notJudged >= made * judgedShareMin
}
