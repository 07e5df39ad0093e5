import type { IssuerFinding, IssuerReport } from '@portcullis/doctor'
import { printable } from '../printable.ts'

/** The report about an issuer, for people. */
export function issuerReportText(report: IssuerReport): string {
  const { issuer, keys, token, findings, notes } = report
  const parts = [
    `${printable(issuer)}: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`,
    ...(keys.length === 0 ? [] : [['KEYS', ...keys.map(keyText)].join('\n')]),
    ...(token === undefined ? [] : [tokenText(token)]),
    ...findings.map(findingText),
    ...(notes.length === 0 ? [] : [['NOTES', ...notes.map(noteText)].join('\n')]),
  ]
  return `${parts.join('\n\n')}\n`
}

function keyText({ kid, kty, alg, bits, curve, ageDays }: IssuerReport['keys'][number]): string {
  const size = bits === undefined ? (curve ?? '') : `${bits} bits`
  const age = ageDays === undefined ? 'age not told' : `${ageDays} days old`
  return `  ${printable([kid ?? 'no kid', kty, alg ?? 'no alg', size, age].join('  '))}`
}

function tokenText(token: NonNullable<IssuerReport['token']>): string {
  const { bytes, lifetimeSeconds, alg, typ } = token
  const lifetime = lifetimeSeconds === undefined ? 'no lifetime' : `lives ${lifetimeSeconds} s`
  return printable(`TOKEN  ${bytes} bytes, ${lifetime}, ${alg}, typ ${typ ?? 'missing'}`)
}

function findingText({ severity, title, remedy, references, where }: IssuerFinding): string {
  return [
    `${severity.toUpperCase()}  ${title}`,
    `  At: ${where.map(printable).join(', ')}`,
    `  Mend it: ${remedy}`,
    `  See: ${references.join(', ')}`,
  ].join('\n')
}

function noteText({ title, where }: IssuerFinding): string {
  return `  ${title}: ${where.map(printable).join(', ')}`
}
