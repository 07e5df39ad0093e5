import type { Command } from 'commander'
import { remote } from './shared-options.ts'

/** Webhooks, and streams of partners. */
export function addStreamCommands(program: Command): void {
  const streams = program.command('streams').description('administer webhooks')

  remote(streams.command('create'))
    .description('push security events to an address, as signed tokens')
    .requiredOption(
      '--push <url>',
      'where to; https and public, or in a network of streams.reachableNetworks',
    )
    .requiredOption(
      '--events <names>',
      'session-revoked, credential-change, account-disabled, account-enabled, account-purged, anomaly-found; separated by commas',
    )
    .option('--authorization-file <file>', 'holds the field Authorization that is sent along')
    .option('--audience <name>', 'what the tokens have as aud; default: the address')
    .option('--description <text>', 'what it is for')
    .option('--reason <text>', 'why; it is kept with the event')
    .addHelpText(
      'after',
      '\nA webhook to a service behind a load balancer reaches one of its replicas only: replicas follow the' +
        '\nrevocation feed, with @portcullis/verify. See docs/webhooks.md.',
    )
    .action(async (options) => (await import('../remote/streams.ts')).runStreamsCreate(options))

  remote(streams.command('list'))
    .description('show every stream, and how it goes with it')
    .action(async (options) => (await import('../remote/streams.ts')).runStreamsList(options))

  remote(streams.command('delete <id>'))
    .description('end a stream, with all that waits in it')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (id, options) =>
      (await import('../remote/streams.ts')).runStreamsDelete(id, options),
    )
}
