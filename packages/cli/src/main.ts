import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { CommandError } from './command-error.ts'

/**
 * Every command and option in one place. What a command does is loaded when it is called, so that
 * each process holds the code of its own part only.
 */
const program = new Command('portcullis')
  .description('JWT login and authorization for microservices')
  .version(ownVersion())
  .exitOverride()
  .showHelpAfterError('(add --help for what may be said)')

program
  .command('dev')
  .description('run the whole system on this machine: identity, gateway and two example services')
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
  .addHelpText('after', '\nState is kept in .portcullis; PORTCULLIS_PORT_BASE moves the ports.')
  .action(async (options) => (await import('./dev/dev.ts')).runDev(options))

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
  .action(async (options) => (await import('./bootstrap.ts')).runBootstrap(options))

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
    '\nIts secrets: PORTCULLIS_SEALING_KEY and PORTCULLIS_REFRESH_PEPPER, each also as …_FILE.' +
      '\nEvery setting of the file that is one value has a variable too, such as PORTCULLIS_LISTEN_PORT.',
  )
  .action(async (options) => (await import('./identity.ts')).runIdentity(options))

program
  .command('gateway')
  .description('run the gateway: it judges each request, then forwards exactly what it judged')
  .option('--config <file>', 'its routing file', 'portcullis.gateway.json')
  .action(async (options) => (await import('./gateway.ts')).runGateway(options))

const accounts = program.command('accounts').description('administer accounts')

remote(accounts.command('create <identifier>'))
  .description('make an account; without a password, a link to choose one is sent')
  .option('--email <address>', 'where its mail goes; not needed when the identifier is an address')
  .option('--roles <names>', 'its roles, separated by spaces')
  .option('--password-stdin', 'read the password from standard input')
  .option('--password-file <file>', 'read the password from a file')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runCreate(identifier, options),
  )

remote(accounts.command('import <file>'))
  .description('take over accounts of another system with their hashes; - reads standard input')
  .option('--dry-run', 'check every line, and change nothing')
  .addOption(
    new Option('--on-existing <what>', 'an account that is there already is skipped, or a mistake')
      .choices(['skip', 'fail'])
      .default('skip'),
  )
  .option('--reason <text>', 'why; it is kept with the events')
  .addHelpText(
    'after',
    '\nOne JSON object a line: {"identifier": …, "password_hash": …}, and if you like "email",' +
      '\n"email_verified", "roles", "attributes", "blocked". Run again, it goes on where it stopped.',
  )
  .action(async (file, options) => (await import('./remote/import.ts')).runImport(file, options))

remote(accounts.command('roles <identifier>'))
  .description('give an account these roles and no others')
  .requiredOption('--set <names>', 'its roles, separated by spaces; "" for none')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runRoles(identifier, options),
  )

remote(accounts.command('reset <identifier>'))
  .description('sign an account out everywhere, and send a link for another password')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runReset(identifier, options),
  )

remote(accounts.command('delete <identifier>'))
  .description('delete an account for good; its identifier is free then')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runDelete(identifier, options),
  )

remote(accounts.command('block <identifier>'))
  .description('end every session and token of an account at once, and let it sign in no more')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runBlock(identifier, options),
  )

remote(accounts.command('unblock <identifier>'))
  .description('let an account sign in again; what was ended stays ended')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runUnblock(identifier, options),
  )

const sessions = program.command('sessions').description('administer sessions')

remote(sessions.command('end-all'))
  .description(
    "end everybody's sessions and tokens at once, your own too; everybody signs in again",
  )
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (options) => (await import('./remote/sessions.ts')).runEndAll(options))

const keys = program.command('keys').description('administer the keys that tokens are signed with')

remote(keys.command('list'))
  .description('show every key and the state it is in')
  .action(async (options) => (await import('./remote/keys.ts')).runKeysList(options))

remote(keys.command('rotate'))
  .description('sign with the waiting keys from now on; no restart anywhere')
  .option('--purpose <name>', 'access-token (the default) or feed')
  .option('--algorithm <name>', 'only the keys of this algorithm')
  .action(async (options) => (await import('./remote/keys.ts')).runKeysRotate(options))

const clients = program.command('clients').description('make clients for services and machines')

clients
  .command('create <name>')
  .description('make a machine client in the store, and write its secret to a file')
  .option(
    '--database <url>',
    'the store; default: PORTCULLIS_DATABASE. Identity may be running on it',
  )
  .requiredOption('--scope <scopes>', 'what it may ask for, separated by spaces')
  .option('--audience <names>', 'the services it may ask for, separated by spaces')
  .requiredOption('--credentials <file>', 'where to write id and secret; must not exist')
  .addHelpText(
    'after',
    '\nA service that follows the revocation feed needs --scope revocations.read.',
  )
  .action(async (name, options) => (await import('./clients.ts')).runCreateClient(name, options))

const usageExitCode = 2

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommandError) {
    process.stderr.write(`${error.message}\n${error.remedy}\n`)
    process.exit(error.exitCode)
  }
  if (error instanceof CommanderError) {
    // Commander has printed its message by now; help and version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : usageExitCode
  } else {
    // Not loaded before: it takes longer than to say what a command line may say.
    const { exitWith } = await import('@portcullis/runtime')
    exitWith(error)
  }
}

/** The options of a command that talks to a running identity as an administrator. */
function remote(command: Command): Command {
  return command
    .option('--issuer <url>', 'where identity is; default from .portcullis/endpoints.json')
    .option('--credentials <file>', 'of an administrator; default .portcullis/credentials.json')
    .option('--json', 'answer in JSON, for programs')
}

function wholeNumber(least: number, greatest: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= greatest) return number
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${greatest}.`)
  }
}

function ownVersion(): string {
  const file: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const version = typeof file === 'object' && file !== null && 'version' in file ? file.version : ''
  return String(version)
}
