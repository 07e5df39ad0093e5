import type { Command } from 'commander'
import { Option } from 'commander'
import { wholeNumber } from './parameters.ts'

const severities = ['critical', 'high', 'medium', 'low', 'info']

/** `portcullis doctor`: every option of it in one place; what it does is loaded when it is called. */
export function addDoctorCommand(program: Command): void {
  const doctor = program
    .command('doctor')
    .argument('[url]', 'the protected address that is attacked; nothing else is')
    .description('attack a service with forged tokens, or audit an issuer, and say what is wrong')
  addTokenOptions(doctor)
  addRequestOptions(doctor)
  doctor
    .option('--audit-issuer <url>', 'look at what this issuer publishes, and attack nothing')
    .option('--jwks-url <url>', 'of that issuer, where its key set is at another host')
    .option(
      '--key-age-days <n>',
      'how old keys of that issuer may be; default 180',
      wholeNumber(1, 36_500),
    )
    .addOption(
      new Option('--fail-at <severity>', 'end with 1 when something is as bad, or worse')
        .choices(severities)
        .default('low'),
    )
    .option('--json', 'the report in JSON, for programs')
    .addHelpText('after', rules)
    .action(async (url, options) => (await import('../doctor/run.ts')).runDoctor(url, options))
}

/** Where valid tokens come from. */
function addTokenOptions(doctor: Command): void {
  doctor
    .option('--audience <name>', 'start an issuer, whose tokens have this as aud')
    .addOption(
      new Option('--algorithm <name>', 'how it signs; default RS256').choices([
        'RS256',
        'PS256',
        'ES256',
        'EdDSA',
      ]),
    )
    .option('--claims <file>', 'JSON with claims that its tokens need beside the usual ones')
    .option('--listen <host:port>', 'where it listens', '127.0.0.1:0')
    .option('--issuer-url <url>', 'as the service reaches it; default http://localhost:PORT')
    .option(
      '--wait-seconds <n>',
      'how long to wait until the service trusts it; default 300',
      wholeNumber(1, 86_400),
    )
    .option('--expect-revocation', 'also where the service does not follow its revocation feed')
    .option(
      '--revocation-seconds <n>',
      'how long a token that is taken back may be accepted; default 40',
      wholeNumber(1, 3600),
    )
    .option('--token-file <file>', 'or else: a valid token of your own issuer; - is standard input')
    .option(
      '--credentials <file>',
      'or else: the machine client of this file gets a token at --issuer',
    )
    .option('--issuer <url>', 'of that token, for its key set')
    .option('--expired-token-file <file>', 'one that has expired')
    .option('--revoked-token-file <file>', 'one that was taken back')
    .option('--other-audience-token-file <file>', 'one for another service')
    .option('--take-back', 'take the token back at --issuer at the end, and measure')
    .option('--client-id <name>', 'as this public client; or which one of --credentials')
}

function addRequestOptions(doctor: Command): void {
  doctor
    .option('--method <name>', 'how to ask; what writes is sent only when it is named', 'GET')
    .option('--body-file <file>', 'what to send with a method that has a body')
    .option('--content-type <type>', 'of that body', 'application/json')
    .option('--accepted-status <codes>', 'answers to a valid token beside 2xx, such as 404,409')
    .option('--requests-max <n>', 'default 2000', wholeNumber(100, 100_000))
    .option('--requests-per-second <n>', 'default 50', wholeNumber(1, 10_000))
    .option('--answer-seconds <n>', 'how long an answer may take; default 5', wholeNumber(1, 300))
}

const rules = `
Only for services that you may attack: it sends to that address alone, and follows no redirect.
With --audience it starts an issuer that the service must trust for this time: its keys are new, and gone
afterwards. With --token-file or --credentials only what anybody can make of that token is sent.
Exit codes: 0 nothing found, 1 findings, 2 wrong use, 3 nothing could be examined. See docs/doctor.md.`
