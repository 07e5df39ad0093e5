import type { Command } from 'commander'
import { wholeNumber } from './parameters.ts'

/** The options of a command that talks to a running identity as an administrator. */
export function remote(command: Command): Command {
  return command
    .option('--issuer <url>', 'where identity is; default from .portcullis/endpoints.json')
    .option('--credentials <file>', 'of an administrator; default .portcullis/credentials.json')
    .option('--json', 'answer in JSON, for programs')
}

/** The same, and to wait until what it takes back is refused everywhere. */
export function revoking(command: Command): Command {
  return waiting(remote(command))
}

export function waiting(command: Command): Command {
  return command.option(
    '--wait [seconds]',
    'until every service that follows the feed refuses it; default 40; needs an administrator',
    wholeNumber(1, 60),
  )
}

/** The options of a command about a token that asks its issuer. */
export function remoteToken(command: Command): Command {
  return command
    .argument('[file]', 'a file that holds it; - reads standard input', '-')
    .option('--issuer <url>', 'where identity is; default from .portcullis/endpoints.json')
    .option(
      '--credentials <file>',
      'with the client to ask as; default .portcullis/credentials.json',
    )
    .option('--json', 'answer in JSON, for programs')
}
