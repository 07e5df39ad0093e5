import type { Command } from 'commander'
import { remote, revoking } from './shared-options.ts'

export function addSessionCommands(program: Command): void {
  const sessions = program.command('sessions').description('administer sessions')

  remote(sessions.command('list'))
    .description('show where people are signed in, the newest login first')
    .option('--account <identifier>', 'only those of this account; its id will do as well')
    .option('--client <name>', 'only those of this client, by name or id')
    .option('--all', 'also those that are over, as long as they are kept')
    .action(async (options) => (await import('../remote/sessions.ts')).runSessionsList(options))

  revoking(sessions.command('end <sid>'))
    .description('end one session and its tokens at once')
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (sid, options) =>
      (await import('../remote/sessions.ts')).runSessionsEnd(sid, options),
    )

  revoking(sessions.command('end-all'))
    .description(
      "end everybody's sessions and tokens at once, your own too; everybody signs in again",
    )
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .action(async (options) => (await import('../remote/sessions.ts')).runEndAll(options))
}
