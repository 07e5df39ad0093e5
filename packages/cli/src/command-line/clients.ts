import type { Command } from 'commander'
import { remote, revoking } from './shared-options.ts'
import { wholeNumber } from './parameters.ts'

export function addClientCommands(program: Command): void {
  const clients = program
    .command('clients')
    .description('administer clients: services and machines')

  remote(clients.command('create <name>'))
    .description('make a client, and write its secret, which nobody can read again, to a file')
    .option('--scope <scopes>', 'what it may ask for as itself, separated by spaces')
    .option('--audience <names>', 'the services it may ask for, separated by spaces')
    .option('--grants <names>', 'default client_credentials; for a public one login refresh_token')
    .option('--public', 'without a secret, for programs that could not keep one')
    .option(
      '--jwks <file>',
      'its public keys (JWK Set), by which it authenticates without a secret',
    )
    .option('--description <text>', 'what it is for')
    .option('--reason <text>', 'why; it is kept with the event')
    .option('--write-to <file>', 'where to write id and secret; must not exist')
    .option(
      '--database [url]',
      'write to the store itself, without an administrator; default: PORTCULLIS_DATABASE',
    )
    .addHelpText(
      'after',
      '\nA service that follows the revocation feed needs --scope revocations.read.' +
        '\nWith --json and without --write-to, the secret is in the answer. With --database, --credentials' +
        '\nmay stand for --write-to, as it did before.',
    )
    .action(async (name, options) =>
      options.database === undefined
        ? (await import('../remote/clients.ts')).runCreate(name, options)
        : (await import('../clients.ts')).runCreateClient(name, options),
    )

  remote(clients.command('list'))
    .description('show every client, and what it may ask for')
    .action(async (options) => (await import('../remote/clients.ts')).runList(options))

  remote(clients.command('rotate-secret <name>'))
    .description('give a client another secret, and let the present one be good for a while')
    .option(
      '--overlap-seconds <n>',
      'how long both are good, default 86400; 0 ends the old one and all tokens at once',
      wholeNumber(0, 2_592_000),
    )
    .option('--write-to <file>', 'where to write id and secret; must not exist')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (name, options) =>
      (await import('../remote/clients.ts')).runRotateSecret(name, options),
    )
  addDecisions(clients)
}

/** What is decided about clients that are there. */
function addDecisions(clients: Command): void {
  revoking(clients.command('revoke-tokens <name>'))
    .description('end every token that a client was given; it may ask for others')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (name, options) =>
      (await import('../remote/clients.ts')).runRevokeTokens(name, options),
    )

  revoking(clients.command('disable <name>'))
    .description('end every token of a client at once, and give it no more')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (name, options) =>
      (await import('../remote/clients.ts')).runDisable(name, options),
    )

  remote(clients.command('enable <name>'))
    .description('let a client ask for tokens again')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (name, options) =>
      (await import('../remote/clients.ts')).runEnable(name, options),
    )

  revoking(clients.command('delete <name>'))
    .description('delete a client for good, with its tokens and sessions; its name is free then')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (name, options) =>
      (await import('../remote/clients.ts')).runDelete(name, options),
    )
}
