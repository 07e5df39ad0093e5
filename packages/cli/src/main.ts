import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { CommandError } from './command-error.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { withIdsLast } from './ids-last.ts'
import { moment, wholeNumber, workerCount } from './parameters.ts'
import { addStreamCommands } from './stream-commands.ts'

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
  .option('--end-with-starter', 'stop when npm, or whatever has started this, is gone')
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
    '\nIts secrets: PORTCULLIS_SEALING_KEY and PORTCULLIS_REFRESH_PEPPER, each also as …_FILE, and with …_PREVIOUS' +
      '\nwhile it is rolled; for HS256 also PORTCULLIS_HS256_SECRET.' +
      '\nEvery setting of the file that is one value has a variable too, such as PORTCULLIS_LISTEN_PORT.',
  )
  .action(async (options) => (await import('./identity.ts')).runIdentity(options))

program
  .command('gateway')
  .description('run the gateway: it judges each request, then forwards exactly what it judged')
  .option('--config <file>', 'its routing file', 'portcullis.gateway.json')
  .option('--workers <n>', 'processes that share its port; auto for one a core', workerCount, 1)
  .action(async (options) => (await import('./gateway.ts')).runGateway(options))

program
  .command('relay')
  .description('hand on the revocation feed to the services of a host or a zone, by one stream')
  .option('--config <file>', 'its settings file', 'portcullis.relay.json')
  .action(async (options) => (await import('./relay.ts')).runRelay(options))

const accounts = program.command('accounts').description('administer accounts')

remote(accounts.command('create <identifier>'))
  .description('make an account; without a password, a link to choose one is sent')
  .option('--email <address>', 'where its mail goes; not needed when the identifier is an address')
  .option('--roles <names>', 'its roles, separated by spaces')
  .option('--reason <text>', 'why; it is kept with the event')
  .option('--password-stdin', 'read the password from standard input')
  .option('--password-file <file>', 'read the password from a file')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runCreate(identifier, options),
  )

remote(accounts.command('list'))
  .description('show accounts, the newest first')
  .option('--identifier <name>', 'only the one that is called so')
  .option('--prefix <text>', 'only those whose identifier begins so')
  .option('--role <name>', 'only those that have this role')
  .option('--blocked', 'only those that are blocked')
  .option('--unconfirmed', 'only those that nobody has confirmed by a link yet')
  .option('--created-after <time>', 'only later ones, such as 2026-01-31', moment)
  .option('--created-before <time>', 'only earlier ones', moment)
  .action(async (options) => (await import('./remote/accounts.ts')).runList(options))

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

revoking(accounts.command('roles <identifier>'))
  .description('give an account these roles and no others')
  .requiredOption('--set <names>', 'its roles, separated by spaces; "" for none')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runRoles(identifier, options),
  )

revoking(accounts.command('reset <identifier>'))
  .description('sign an account out everywhere, and send a link for another password')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runReset(identifier, options),
  )

revoking(accounts.command('delete <identifier>'))
  .description('delete an account for good; its identifier is free then')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runDelete(identifier, options),
  )

revoking(accounts.command('block [identifiers...]'))
  .description('end every session and token of accounts at once, and let them sign in no more')
  .option('--ids-from <file>', 'their ids, one on each line; - reads standard input')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifiers, options) =>
    (await import('./remote/many-accounts.ts')).runBlock(identifiers, options),
  )

revoking(accounts.command('logout [identifiers...]'))
  .description('end every session and token of accounts at once; they may sign in again')
  .option('--ids-from <file>', 'their ids, one on each line; - reads standard input')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifiers, options) =>
    (await import('./remote/many-accounts.ts')).runLogOut(identifiers, options),
  )

remote(accounts.command('unblock <identifier>'))
  .description('let an account sign in again; what was ended stays ended')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (identifier, options) =>
    (await import('./remote/accounts.ts')).runUnblock(identifier, options),
  )

const sessions = program.command('sessions').description('administer sessions')

remote(sessions.command('list'))
  .description('show where people are signed in, the newest login first')
  .option('--account <identifier>', 'only those of this account')
  .option('--client <name>', 'only those of this client, by name or id')
  .option('--all', 'also those that are over, as long as they are kept')
  .action(async (options) => (await import('./remote/sessions.ts')).runSessionsList(options))

revoking(sessions.command('end <sid>'))
  .description('end one session and its tokens at once')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (sid, options) =>
    (await import('./remote/sessions.ts')).runSessionsEnd(sid, options),
  )

revoking(sessions.command('end-all'))
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
  .option('--reason <text>', 'why; it is kept with the event')
  .action(async (options) => (await import('./remote/keys.ts')).runKeysRotate(options))

revoking(keys.command('withdraw <kid>'))
  .description(
    'take a key out of use for good and at once, because others may have its private half',
  )
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .addHelpText(
    'after',
    '\nWhat it has signed is refused; people go on with their refresh tokens. The next key signs at once.' +
      '\nSee docs/key-operations.md for what else to do when a key was stolen.',
  )
  .action(async (kid, options) => (await import('./remote/keys.ts')).runKeysWithdraw(kid, options))

const audit = program.command('audit').description('read the audit record, and check it')

remote(audit.command('list'))
  .description('show what happened, the newest first')
  .option('--kind <name>', 'only events of this kind')
  .option('--account <name>', 'only those about this account, by identifier or id')
  .option('--actor <name>', 'only what this account decided, by identifier or id')
  .option('--client <name>', 'only those about this client, by name or id')
  .option('--session <id>', 'only those about this session')
  .option('--from <time>', 'not earlier, such as 2026-01-31', moment)
  .option('--to <time>', 'only earlier ones', moment)
  .option('--limit <n>', 'at most so many, 1 to 500; default 100', wholeNumber(1, 500))
  .option('--after <cursor>', 'go on behind the last page, with the cursor that it ended with')
  .action(async (options) => (await import('./remote/audit.ts')).runAuditList(options))

remote(audit.command('verify'))
  .description('check that nobody has changed, taken away or added a record')
  .option('--database <url>', 'look into the store itself, and believe no node')
  .option(
    '--anchor <chain:seq:mac...>',
    'demand that this record, as it was logged, is still there',
  )
  .addHelpText(
    'after',
    '\nWith --database it needs PORTCULLIS_SEALING_KEY, or …_FILE, and no credentials.',
  )
  .action(async (options) => (await import('./remote/audit.ts')).runAuditVerify(options))

const token = program
  .command('token')
  .description('look at tokens, verify them, take them back; each from a file or standard input')

token
  .command('inspect')
  .argument('[file]', 'a file that holds it; - reads standard input', '-')
  .description('show what a token says and what that means, without verifying anything')
  .option('--json', 'answer in JSON, for programs')
  .action(async (file, options) => (await import('./token/inspect.ts')).runInspect(file, options))

remoteToken(token.command('verify'))
  .description('verify an access token as a service does, by the keys and the feed of its issuer')
  .option('--audience <name>', 'the service that it is for; default: the first that it names')
  .action(async (file, options) => (await import('./token/verify.ts')).runVerify(file, options))

waiting(remoteToken(token.command('revoke')))
  .description('take a token back: an access token alone, a refresh token with its session')
  .option('--client-id <name>', 'ask as this public client, such as web, without a secret')
  .action(async (file, options) => (await import('./token/revoke.ts')).runRevoke(file, options))

const clients = program.command('clients').description('administer clients: services and machines')

remote(clients.command('create <name>'))
  .description('make a client, and write its secret, which nobody can read again, to a file')
  .option('--scope <scopes>', 'what it may ask for as itself, separated by spaces')
  .option('--audience <names>', 'the services it may ask for, separated by spaces')
  .option('--grants <names>', 'default client_credentials; for a public one login refresh_token')
  .option('--public', 'without a secret, for programs that could not keep one')
  .option('--jwks <file>', 'its public keys (JWK Set), by which it authenticates without a secret')
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
      ? (await import('./remote/clients.ts')).runCreate(name, options)
      : (await import('./clients.ts')).runCreateClient(name, options),
  )

remote(clients.command('list'))
  .description('show every client, and what it may ask for')
  .action(async (options) => (await import('./remote/clients.ts')).runList(options))

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
    (await import('./remote/clients.ts')).runRotateSecret(name, options),
  )

revoking(clients.command('revoke-tokens <name>'))
  .description('end every token that a client was given; it may ask for others')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (name, options) =>
    (await import('./remote/clients.ts')).runRevokeTokens(name, options),
  )

revoking(clients.command('disable <name>'))
  .description('end every token of a client at once, and give it no more')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (name, options) => (await import('./remote/clients.ts')).runDisable(name, options))

remote(clients.command('enable <name>'))
  .description('let a client ask for tokens again')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (name, options) => (await import('./remote/clients.ts')).runEnable(name, options))

revoking(clients.command('delete <name>'))
  .description('delete a client for good, with its tokens and sessions; its name is free then')
  .requiredOption('--reason <text>', 'why; it is kept with the event')
  .action(async (name, options) => (await import('./remote/clients.ts')).runDelete(name, options))

addStreamCommands(program.command('streams').description('administer webhooks'), remote)

addDoctorCommand(program.command('doctor <url>'))

const usageExitCode = 2

try {
  await program.parseAsync(withIdsLast(process.argv.slice(2)), { from: 'user' })
} catch (error) {
  if (error instanceof CommandError) {
    process.exitCode = error.exitCode
    // What was said before may be long, and whoever reads it through a pipe has not read all of it yet.
    process.stderr.write(`${error.message}\n${error.remedy}\n`, () => {
      process.stdout.write('', () => process.exit())
    })
  } else if (error instanceof CommanderError) {
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

/** The same, and to wait until what it takes back is refused everywhere. */
function revoking(command: Command): Command {
  return waiting(remote(command))
}

function waiting(command: Command): Command {
  return command.option(
    '--wait [seconds]',
    'until every service that follows the feed refuses it; default 40; needs an administrator',
    wholeNumber(1, 60),
  )
}

/** The options of a command about a token that asks its issuer. */
function remoteToken(command: Command): Command {
  return command
    .argument('[file]', 'a file that holds it; - reads standard input', '-')
    .option('--issuer <url>', 'where identity is; default from .portcullis/endpoints.json')
    .option(
      '--credentials <file>',
      'with the client to ask as; default .portcullis/credentials.json',
    )
    .option('--json', 'answer in JSON, for programs')
}

function ownVersion(): string {
  const file: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const version = typeof file === 'object' && file !== null && 'version' in file ? file.version : ''
  return String(version)
}
