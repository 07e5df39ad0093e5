import type { Command } from 'commander'
import { wholeNumber, workerCount } from './parameters.ts'

export function addProcessCommands(program: Command): void {
  program
    .command('dev')
    .description(
      'run the whole system on this machine: identity, gateway and, in a checkout, two example services',
    )
    .option('--issuer <url>', 'where others reach identity, when something stands in front of it')
    .option(
      '--jwks-max-age-seconds <n>',
      'how long key sets may be kept, 1 to 3600; default 300',
      wholeNumber(1, 3600),
    )
    .option(
      '--refresh-grace-seconds <n>',
      'how long lost answers are given again, 0 to 300; default 30',
      wholeNumber(0, 300),
    )
    .option(
      '--max-staleness-seconds <n>',
      'how old the last word of the issuer may be, 3 to 3600; default 30',
      wholeNumber(3, 3600),
    )
    .option('--end-with-starter', 'stop when npm, or whatever has started this, is gone')
    .addHelpText('after', '\nState is kept in .portcullis; PORTCULLIS_PORT_BASE moves the ports.')
    .action(async (options) => (await import('../dev/dev.ts')).runDev(options))

  program
    .command('bootstrap')
    .description('make the first administrator of an empty store')
    .option(
      '--database <url>',
      'the store, sqlite:PATH or postgres://…; default: PORTCULLIS_DATABASE',
    )
    .option('--identifier <name>', 'what the administrator signs in with', 'admin')
    .option('--credentials <file>', 'where to write a generated password', 'credentials.json')
    .option('--password-stdin', 'read the password from standard input, and write no file')
    .action(async (options) => (await import('../bootstrap.ts')).runBootstrap(options))

  program
    .command('identity')
    .description('run the identity service: it checks credentials, signs tokens, publishes keys')
    .option('--config <file>', 'its settings file', 'portcullis.identity.json')
    .option(
      '--database <url>',
      'the store, sqlite:PATH or postgres://…; overrides file and environment',
    )
    .option('--print-config', 'print every setting and where it comes from, and start nothing')
    .addHelpText(
      'after',
      '\nIts secrets: PORTCULLIS_SEALING_KEY and PORTCULLIS_REFRESH_PEPPER, each also as …_FILE, and with …_PREVIOUS' +
        '\nwhile it is rolled; for HS256 also PORTCULLIS_HS256_SECRET.' +
        '\nEvery setting of the file that is one value has a variable too, such as PORTCULLIS_LISTEN_PORT.',
    )
    .action(async (options) => (await import('../identity.ts')).runIdentity(options))

  program
    .command('gateway')
    .description('run the gateway: it judges each request, then forwards exactly what it judged')
    .option('--config <file>', 'its routing file', 'portcullis.gateway.json')
    .option('--workers <n>', 'processes that share its port; auto for one a core', workerCount, 1)
    .action(async (options) => (await import('../gateway.ts')).runGateway(options))

  program
    .command('relay')
    .description('hand on the revocation feed to the services of a host or a zone, by one stream')
    .option('--config <file>', 'its settings file', 'portcullis.relay.json')
    .action(async (options) => (await import('../relay.ts')).runRelay(options))
}
