/** The worst first. `info` is told as a note: only the issuer itself could make such a token. */
export const severities = ['critical', 'high', 'medium', 'low', 'info'] as const

export type Severity = (typeof severities)[number]

/** True when the first is as bad as the second, or worse. */
export function isAtLeast(severity: Severity, bound: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(bound)
}
