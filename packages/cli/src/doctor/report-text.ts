import type { Finding, Report } from '@portcullis/doctor'
import { isConclusive } from '@portcullis/doctor'
import { printable } from '../printable.ts'

/** So many attacks are named for each finding; `--json` has all of them. */
const evidenceToldMax = 5

/** The report for people. Of what the service has said nothing is printed but its statuses. */
export function reportText(report: Report): string {
  const { findings, notes, held, notJudged, notMade, revocation } = report
  const parts = [
    summaryOf(report),
    ...findings.map(findingText),
    ...(notes.length === 0 ? [] : [['NOTES', ...notes.map(noteText)].join('\n')]),
    revocationText(revocation),
    ...(held.length === 0
      ? []
      : [`REFUSED  ${held.map(({ weakness, attacks }) => `${weakness} (${attacks})`).join(', ')}`]),
    ...(notJudged.length === 0 ? [] : [['NOT JUDGED', ...countedReasons(notJudged)].join('\n')]),
    ...(notMade.length === 0 ? [] : [['NOT MADE', ...countedReasons(notMade)].join('\n')]),
  ]
  return `${parts.join('\n\n')}\n`
}

function summaryOf(report: Report): string {
  const { target, findings, notes, attacks, requests } = report
  const { made, refused, accepted, noted, notJudged, notMade } = attacks
  const tooLittle = `TOO LITTLE WAS JUDGED to say anything: ${notJudged} of ${made} attacks were not; `
  return [
    ...(verifiesNothing(report) ? [nothingVerified] : []),
    `${printable(target)}: ${isConclusive(report) ? '' : tooLittle}${counted(findings.length, 'finding')}, ${counted(notes.length, 'note')}`,
    `${made} attacks: ${refused} refused, ${accepted} accepted, ${noted} accepted that say little by themselves (NOTES), ${notJudged} not judged; ${notMade} not made; ${requests} requests`,
  ].join('\n')
}

/** Whoever takes unsigned and forged tokens alike reads what stands in them, and the other findings follow from it. */
function verifiesNothing({ findings }: Report): boolean {
  const found = new Set(findings.map(({ weakness }) => weakness))
  return found.has('unsigned') && found.has('forged-signature')
}

const nothingVerified =
  'NO SIGNATURE IS VERIFIED AT ALL: anybody can write a token that is let in. Mend this first; most of what follows comes of it.'

function findingText(finding: Finding): string {
  const { severity, title, meaning, remedy, references, evidence } = finding
  const told = evidence.slice(0, evidenceToldMax)
  const rest = evidence.length - told.length
  return [
    `${severity.toUpperCase()}  ${title}`,
    `  ${meaning}`,
    `  Mend it: ${remedy}`,
    `  See: ${references.slice(0, referencesToldMax).join(', ')}`,
    ...told.map(({ id, forges, saw }) => `  - ${id}: ${printable(forges)}: ${saw}`),
    ...(rest > 0 ? [`  - and ${rest} more`] : []),
  ].join('\n')
}

const referencesToldMax = 6

function noteText({ title, meaning, evidence }: Finding): string {
  return `  ${title} (${counted(evidence.length, 'attack')}): ${meaning}`
}

function revocationText(revocation: Report['revocation']): string {
  if (revocation.kind === 'not-tried') return `REVOCATION  not tried: ${revocation.why}`
  return revocation.kind === 'refused'
    ? `REVOCATION  refused ${revocation.afterMs} ms after the token was taken back`
    : `REVOCATION  still accepted ${revocation.afterMs} ms after the token was taken back`
}

function countedReasons(all: Report['notJudged']): readonly string[] {
  const groups = Map.groupBy(all, ({ why }) => why)
  return [...groups].map(([why, group]) => `  ${group.length}: ${why}`)
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
