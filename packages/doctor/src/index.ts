export { examine } from './examine.ts'
export type {
  ExamineOptions,
  GivenTokens,
  OwnIssuerSettings,
  Plan,
  Trust,
} from './examine-options.ts'
export type { RevocationOutcome } from './report/outcome.ts'
export { DoctorError } from './doctor-error.ts'
export { weaknesses } from './attacks/weaknesses.ts'
export type { Weakness, WeaknessId } from './attacks/weaknesses.ts'
export { hasFindings, isConclusive } from './report/report.ts'
export type { Counts, Evidence, Finding, Report } from './report/report.ts'
export { severities } from './report/severity.ts'
export type { Severity } from './report/severity.ts'
export { auditIssuer } from './issuer/audit.ts'
export type { AuditOptions, IssuerFinding, IssuerReport } from './issuer/audit.ts'
export type { Fault, FaultId } from './issuer/faults.ts'
export type { PublishedKey } from './issuer/key-faults.ts'
export type { TokenFacts } from './issuer/token-faults.ts'
export { readKeySet } from './issuer/key-set.ts'
