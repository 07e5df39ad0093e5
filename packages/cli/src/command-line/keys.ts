import type { Command } from 'commander'
import { remote, revoking } from './shared-options.ts'

export function addKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('administer the keys that tokens are signed with')

  remote(keys.command('list'))
    .description('show every key and the state it is in')
    .action(async (options) => (await import('../remote/keys.ts')).runKeysList(options))

  remote(keys.command('rotate'))
    .description('sign with the waiting keys from now on; no restart anywhere')
    .option('--purpose <name>', 'access-token (the default) or feed')
    .option('--algorithm <name>', 'only the keys of this algorithm')
    .option('--reason <text>', 'why; it is kept with the event')
    .action(async (options) => (await import('../remote/keys.ts')).runKeysRotate(options))

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
    .action(async (kid, options) =>
      (await import('../remote/keys.ts')).runKeysWithdraw(kid, options),
    )
}
