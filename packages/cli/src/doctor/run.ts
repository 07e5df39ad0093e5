import type { ExamineOptions, Plan, Trust } from '@portcullis/doctor'
import { auditIssuer, DoctorError, examine, hasFindings, isConclusive } from '@portcullis/doctor'
import { isJsonObject } from '@portcullis/protocol'
import type { JsonObject } from '@portcullis/protocol'
import { CommandError } from '../command-error.ts'
import { readTextFile } from '../given-text.ts'
import { printable } from '../printable.ts'
import { readToken } from '../token/given-token.ts'
import { givenTokens } from './given-tokens.ts'
import { issuerReportText } from './issuer-report-text.ts'
import type { DoctorCommandOptions, IssuerChoices } from './options.ts'
import { reportText } from './report-text.ts'

/** What it does is told on standard error, and the report is alone on standard output. */
export async function runDoctor(
  url: string | undefined,
  options: DoctorCommandOptions,
): Promise<void> {
  const { json, failAt, auditIssuer: issuer } = options
  const { report, text, isUnknown } = await orExplain(() =>
    issuer === undefined ? attack(url, options) : audit(issuer, url, options),
  )
  process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : text)
  const without = isUnknown === true ? 3 : 0
  process.exitCode = hasFindings(report, failAt) ? 1 : without
}

interface Reported {
  readonly report: Parameters<typeof hasFindings>[0]
  readonly text: string
  /** True when too little was judged: that nothing was found says nothing. */
  readonly isUnknown?: boolean
}

async function attack(url: string | undefined, options: DoctorCommandOptions): Promise<Reported> {
  if (url === undefined) {
    const remedy = 'Name the protected address, or an issuer with --audit-issuer.'
    throw new CommandError(2, 'no address is named', remedy)
  }
  const report = await examine(await examineOptionsOf(url, options))
  return { report, text: reportText(report), isUnknown: !isConclusive(report) }
}

async function audit(
  issuer: string,
  url: string | undefined,
  { tokenFile, jwksUrl, keyAgeDays }: DoctorCommandOptions,
): Promise<Reported> {
  if (url !== undefined) {
    throw new CommandError(2, 'two addresses are named', 'An issuer is audited by itself.')
  }
  tell(`This asks ${printable(issuer)} for its metadata and its key set, and nothing else.`)
  const report = await auditIssuer({
    issuer,
    ...(jwksUrl !== undefined && { jwksUrl }),
    ...(keyAgeDays !== undefined && { keyAgeDaysMax: keyAgeDays }),
    ...(tokenFile !== undefined && { token: await readToken(tokenFile) }),
  })
  return { report, text: issuerReportText(report) }
}

async function examineOptionsOf(
  url: string,
  options: DoctorCommandOptions,
): Promise<ExamineOptions> {
  const { requestsMax, requestsPerSecond, answerSeconds, revocationSeconds } = options
  const { bodyFile, contentType } = options
  return {
    url,
    method: options.method,
    ...(bodyFile !== undefined && { body: { text: readTextFile(bodyFile), contentType } }),
    acceptedStatuses: statusesIn(options.acceptedStatus ?? ''),
    ...(requestsMax !== undefined && { requestsMax }),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(answerSeconds !== undefined && { answerMsMax: answerSeconds * 1000 }),
    ...(revocationSeconds !== undefined && { revocationSeconds }),
    ...(await tokensOf(options)),
    onPlan: (plan) => tell(planText(plan)),
    onProgress: (done, all) => tell(`${done} of ${all} attacks made`),
  }
}

async function tokensOf(
  options: DoctorCommandOptions,
): Promise<Pick<ExamineOptions, 'issuer' | 'given'>> {
  const { audience, tokenFile, credentials } = options
  const isGiven = tokenFile !== undefined || credentials !== undefined
  if (isGiven && audience === undefined) return { given: await givenTokens(options) }
  if (!isGiven && audience !== undefined) return { issuer: issuerSettingsOf(audience, options) }
  if (isGiven) {
    const given = tokenFile === undefined ? '--credentials' : '--token-file'
    const remedy = `Leave out --audience, or ${given}: an issuer of its own, or a token of yours.`
    throw new CommandError(2, `--audience does not go with ${given}`, remedy)
  }
  throw new CommandError(
    2,
    'it is not known where valid tokens come from',
    'Start an issuer with --audience NAME, or else give a token with --token-file FILE, or have a client get one with --credentials FILE.',
  )
}

function issuerSettingsOf(
  audience: string,
  options: IssuerChoices,
): NonNullable<ExamineOptions['issuer']> {
  const { algorithm, issuerUrl, waitSeconds, expectRevocation = false } = options
  return {
    audience,
    expectRevocation,
    ...listenerOf(options.listen),
    ...(algorithm !== undefined && { algorithm }),
    ...(issuerUrl !== undefined && { issuerUrl }),
    ...(waitSeconds !== undefined && { waitSeconds }),
    ...(options.claims !== undefined && { claims: claimsIn(options.claims) }),
    onTrust: (trust) => tell(trustText(trust)),
    onWait: (why) => tell(`Waiting for the service to take a valid token: ${why}.`),
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
  return `This attacks ${printable(url)} with ${method} and HEAD, and nothing else: at most ${requestsMax} requests, ${requestsPerSecond} a second.`
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
    `  client      ${trust.client.id}, secret ${trust.client.secret} (only to follow its revocation feed)`,
  ].join('\n')
}

async function orExplain(reported: () => Promise<Reported>): Promise<Reported> {
  try {
    return await reported()
  } catch (error) {
    if (!(error instanceof DoctorError)) throw error
    throw new CommandError(error.kind === 'usage' ? 2 : 3, printable(error.message), error.remedy)
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
