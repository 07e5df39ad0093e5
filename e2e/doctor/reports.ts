import type {
  ExamineOptions,
  OwnIssuerSettings,
  Report,
  Severity,
  WeaknessId,
} from '@portcullis/doctor'
import { examine } from '@portcullis/doctor'
import type { Sample } from './samples/sample.ts'
import { startSample } from './samples/sample.ts'

/** What is said about a service with this sample, which trusts the issuer that is started for it. */
export async function reportOn(
  sample: Sample,
  settings: Partial<OwnIssuerSettings> = {},
  options: Partial<ExamineOptions> = {},
): Promise<Report> {
  const running = await startSample(sample)
  try {
    return await examine({
      url: running.url,
      requestsPerSecond: 10_000,
      issuer: { audience: 'orders', onTrust: running.trust, waitSeconds: 10, ...settings },
      ...options,
    })
  } finally {
    await running.close()
  }
}

export function severitiesOf({
  findings,
}: Report): Readonly<Partial<Record<WeaknessId, Severity>>> {
  return Object.fromEntries(findings.map(({ weakness, severity }) => [weakness, severity]))
}
