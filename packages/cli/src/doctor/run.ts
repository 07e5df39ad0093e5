import type { ExamineOptions, Plan, Report, Severity, Trust } from '@portcullis/doctor'
import { DoctorError, examine, hasFindings } from '@portcullis/doctor'
import { isJsonObject } from '@portcullis/protocol'
import type { JsonObject } from '@portcullis/protocol'
import { CommandError } from '../command-error.ts'
import { readTextFile } from '../given-text.ts'
import { printable } from '../printable.ts'
import { reportText } from './report-text.ts'

export interface DoctorCommandOptions {
  readonly audience: string
  readonly algorithm: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'
  readonly claims?: string
  readonly listen: string
  readonly issuerUrl?: string
  readonly waitSeconds?: number
  readonly method: string
  readonly bodyFile?: string
  readonly contentType: string
  readonly acceptedStatus?: string
  readonly requestsMax?: number
  readonly requestsPerSecond?: number
  readonly answerSeconds?: number
  readonly failAt: Severity
  readonly json?: true
}

/** What it does is told on standard error, and the report is alone on standard output. */
export async function runDoctor(url: string, options: DoctorCommandOptions): Promise<void> {
  const examined = examineOptionsOf(url, options)
  const report = await orExplain(() => examine(examined))
  process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : reportText(report))
  process.exitCode = hasFindings(report, options.failAt) ? 1 : 0
}

function examineOptionsOf(url: string, options: DoctorCommandOptions): ExamineOptions {
  const { requestsMax, requestsPerSecond, answerSeconds, bodyFile, contentType } = options
  return {
    url,
    method: options.method,
    ...(bodyFile !== undefined && { body: { text: readTextFile(bodyFile), contentType } }),
    acceptedStatuses: statusesIn(options.acceptedStatus ?? ''),
    ...(requestsMax !== undefined && { requestsMax }),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(answerSeconds !== undefined && { answerMsMax: answerSeconds * 1000 }),
    issuer: issuerSettingsOf(options),
    onPlan: (plan) => tell(planText(plan)),
    onProgress: (done, all) => tell(`${done} of ${all} attacks made`),
  }
}

function issuerSettingsOf(options: DoctorCommandOptions): ExamineOptions['issuer'] {
  const { audience, algorithm, issuerUrl, waitSeconds } = options
  return {
    audience,
    algorithm,
    ...listenerOf(options.listen),
    ...(issuerUrl !== undefined && { issuerUrl }),
    ...(waitSeconds !== undefined && { waitSeconds }),
    ...(options.claims !== undefined && { claims: claimsIn(options.claims) }),
    onTrust: (trust) => tell(trustText(trust)),
  }
}

function listenerOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (host !== '' && Number(port) <= 65_535) {
    return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
  }
  throw new CommandError(2, '--listen is no address', 'Write it as 127.0.0.1:9100.')
}

function statusesIn(text: string): readonly number[] {
  const words = text.split(',').filter((word) => word !== '')
  if (words.every((word) => /^[1-5]\d\d$/.test(word))) return words.map(Number)
  throw new CommandError(2, '--accepted-status names no statuses', 'Write them as 404,409.')
}

function claimsIn(path: string): JsonObject {
  try {
    const claims: unknown = JSON.parse(readTextFile(path))
    if (isJsonObject(claims)) return claims
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CommandError(2, `${path} is no JSON object`, 'Write claims in it, as {"tenant":"t1"}.')
}

function planText({ url, method, requestsMax, requestsPerSecond }: Plan): string {
  return `This attacks ${printable(url)} with ${method} and nothing else: at most ${requestsMax} requests, ${requestsPerSecond} a second.`
}

function trustText(trust: Trust): string {
  return [
    'Let the service trust this issuer now; it is asked until a valid token passes:',
    `  issuer      ${trust.issuer}`,
    `  key set     ${trust.jwks}`,
    `  metadata    ${trust.metadata}`,
    `              ${trust.openIdConfiguration}`,
    `  public key  ${trust.publicKeyPem}`,
    `  audience    ${printable(trust.audience)}`,
    `  algorithm   ${trust.algorithm}`,
  ].join('\n')
}

async function orExplain(examined: () => Promise<Report>): Promise<Report> {
  try {
    return await examined()
  } catch (error) {
    if (!(error instanceof DoctorError)) throw error
    throw new CommandError(error.kind === 'usage' ? 2 : 3, printable(error.message), error.remedy)
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
