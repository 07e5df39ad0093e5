import type { Command } from 'commander'
import { Option } from 'commander'
import { wholeNumber } from './parameters.ts'

/** `portcullis doctor`: every option of it in one place; what it does is loaded when it is called. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor <url>')
    .description(
      'attack a protected address with forged tokens, and say what it should have refused',
    )
    .requiredOption('--audience <name>', 'what the service wants as aud in its tokens')
    .addOption(
      new Option('--algorithm <name>', 'how tokens are signed')
        .choices(['RS256', 'PS256', 'ES256', 'EdDSA'])
        .default('RS256'),
    )
    .option('--claims <file>', 'JSON with claims that its tokens need beside the usual ones')
    .option('--listen <host:port>', 'where the issuer of the doctor listens', '127.0.0.1:0')
    .option('--issuer-url <url>', 'as the service reaches it; default http://localhost:PORT')
    .option(
      '--wait-seconds <n>',
      'how long to wait until the service trusts it; default 300',
      wholeNumber(1, 86_400),
    )
    .option('--method <name>', 'how to ask; what writes is sent only when it is named', 'GET')
    .option('--body-file <file>', 'what to send with a method that has a body')
    .option('--content-type <type>', 'of that body', 'application/json')
    .option('--accepted-status <codes>', 'answers to a valid token beside 2xx, such as 404,409')
    .option('--requests-max <n>', 'default 2000', wholeNumber(100, 100_000))
    .option('--requests-per-second <n>', 'default 50', wholeNumber(1, 10_000))
    .option('--answer-seconds <n>', 'how long an answer may take; default 5', wholeNumber(1, 300))
    .addOption(
      new Option('--fail-at <severity>', 'end with 1 when something is as bad, or worse')
        .choices(['critical', 'high', 'medium', 'low', 'info'])
        .default('low'),
    )
    .option('--json', 'the report in JSON, for programs')
    .addHelpText('after', rules)
    .action(async (url, options) => (await import('../doctor/run.ts')).runDoctor(url, options))
}

const rules = `
Only for services that you may attack. It sends to that address alone, follows no redirect, and starts an
issuer of its own that the service must trust for this time: its keys are new, and gone afterwards.
Exit codes: 0 nothing found, 1 findings, 2 wrong use, 3 nothing could be examined. See docs/doctor.md.`
