import type { Command } from 'commander'
import { Option } from 'commander'
import { remote, revoking } from './shared-options.ts'
import { moment } from './parameters.ts'

export function addAccountCommands(program: Command): void {
  const accounts = program
    .command('accounts')
    .description('administer accounts, which are named by their identifiers or their ids')

  remote(accounts.command('create <identifier>'))
    .description('make an account; without a password, a link to choose one is sent')
    .option(
      '--email <address>',
      'where its mail goes; not needed when the identifier is an address',
    )
    .option('--roles <names>', 'its roles, separated by spaces')
    .option('--reason <text>', 'why; it is kept with the event')
    .option('--password-stdin', 'read the password from standard input')
    .option('--password-file <file>', 'read the password from a file')
    .action(async (identifier, options) =>
      (await import('../remote/accounts.ts')).runCreate(identifier, options),
    )

  remote(accounts.command('list'))
    .description('show accounts, the newest first')
    .option('--identifier <name>', 'only the one that is called so, or has this id')
    .option('--prefix <text>', 'only those whose identifier begins so')
    .option('--role <name>', 'only those that have this role')
    .option('--blocked', 'only those that are blocked')
    .option('--unconfirmed', 'only those that nobody has confirmed by a link yet')
    .option('--created-after <time>', 'only later ones, such as 2026-01-31', moment)
    .option('--created-before <time>', 'only earlier ones', moment)
    .action(async (options) => (await import('../remote/accounts.ts')).runList(options))

  addImport(accounts)
  addDecisions(accounts)
}

function addImport(accounts: Command): void {
  remote(accounts.command('import <file>'))
    .description('take over accounts of another system with their hashes; - reads standard input')
    .option('--dry-run', 'check every line, and change nothing')
    .addOption(
      new Option(
        '--on-existing <what>',
        'an account that is there already is skipped, or a mistake',
      )
        .choices(['skip', 'fail'])
        .default('skip'),
    )
    .option('--reason <text>', 'why; it is kept with the events')
    .addHelpText(
      'after',
      '\nOne JSON object a line: {"identifier": …, "password_hash": …}, and if you like "email",' +
        '\n"email_verified", "roles", "attributes", "blocked". Run again, it goes on where it stopped.',
    )
    .action(async (file, options) => (await import('../remote/import.ts')).runImport(file, options))
}

/** What is decided about accounts that are there. */
function addDecisions(accounts: Command): void {
  revoking(accounts.command('roles <identifier>'))
    .description('give an account these roles and no others')
    .requiredOption('--set <names>', 'its roles, separated by spaces; "" for none')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (identifier, options) =>
      (await import('../remote/accounts.ts')).runRoles(identifier, options),
    )

  revoking(accounts.command('reset <identifier>'))
    .description('sign an account out everywhere, and send a link for another password')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (identifier, options) =>
      (await import('../remote/accounts.ts')).runReset(identifier, options),
    )

  revoking(accounts.command('delete <identifier>'))
    .description('delete an account for good; its identifier is free then')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (identifier, options) =>
      (await import('../remote/accounts.ts')).runDelete(identifier, options),
    )

  revoking(accounts.command('block [identifiers...]'))
    .description('end every session and token of accounts at once, and let them sign in no more')
    .option('--ids-from <file>', 'their ids, one on each line; - reads standard input')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (identifiers, options) =>
      (await import('../remote/many-accounts.ts')).runBlock(identifiers, options),
    )

  revoking(accounts.command('logout [identifiers...]'))
    .description('end every session and token of accounts at once; they may sign in again')
    .option('--ids-from <file>', 'their ids, one on each line; - reads standard input')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (identifiers, options) =>
      (await import('../remote/many-accounts.ts')).runLogOut(identifiers, options),
    )

  remote(accounts.command('unblock <identifier>'))
    .description('let an account sign in again; what was ended stays ended')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (identifier, options) =>
      (await import('../remote/accounts.ts')).runUnblock(identifier, options),
    )
}
