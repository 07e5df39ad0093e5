import type { Command } from 'commander'
import { remoteToken, waiting } from './shared-options.ts'

export function addTokenCommands(program: Command): void {
  const token = program
    .command('token')
    .description('look at tokens, verify them, take them back; each from a file or standard input')

  token
    .command('inspect')
    .argument('[file]', 'a file that holds it; - reads standard input', '-')
    .description('show what a token says and what that means, without verifying anything')
    .option('--audience <name>', 'judge it as the service of this name would')
    .option('--json', 'answer in JSON, for programs')
    .action(async (file, options) =>
      (await import('../token/inspect.ts')).runInspect(file, options),
    )

  remoteToken(token.command('verify'))
    .description('verify an access token as a service does, by the keys and the feed of its issuer')
    .option('--audience <name>', 'the service that it is for; default: the first that it names')
    .action(async (file, options) => (await import('../token/verify.ts')).runVerify(file, options))

  waiting(remoteToken(token.command('revoke')))
    .description('take a token back: an access token alone, a refresh token with its session')
    .option('--client-id <name>', 'ask as this public client, such as web, without a secret')
    .action(async (file, options) => (await import('../token/revoke.ts')).runRevoke(file, options))
}
