import type { Command } from 'commander'

/** The commands that work on a whole store, past identity. */
export function addBackupCommands(program: Command): void {
  besideStore(program.command('backup'))
    .description('copy a store, also while it is in use, into a folder with a manifest')
    .requiredOption('--write-to <folder>', 'where to write it; must not exist')
    .option('--unsealed', 'without the sealing key: who alters the backup is not found out')
    .addHelpText(
      'after',
      '\nThe sealing key and the refresh pepper are not in it: keep copies of them elsewhere. Keep it as' +
        '\nprivate as the store. With PORTCULLIS_SEALING_KEY, or …_FILE, it is sealed: who alters it without' +
        '\nthat key is found out. The copy is a file of SQLite, whatever the store is kept in.',
    )
    .action(async (options) => (await import('../backup.ts')).runBackup(options))

  besideStore(program.command('restore <folder>'))
    .description('put a backup back: every session and token from before is refused from then on')
    .option('--replace', 'a file that is there is replaced, and kept beside it')
    .option(
      '--dangerously-give-up-sealed',
      'the sealing key is lost: drop signing keys and secrets, and begin the audit record anew',
    )
    .option(
      '--dangerously-take-unsealed',
      'also a backup that was written without the sealing key: whoever could write to it may have altered it',
    )
    .addHelpText(
      'after',
      '\nIdentity must not run. With PORTCULLIS_SEALING_KEY, or …_FILE, it is made sure that it opens the backup,' +
        '\nand that nobody without it has written it.' +
        '\nA backup of SQLite can be put into an empty database of PostgreSQL, and the other way.' +
        '\nSee docs/runbooks.md for what else to do.',
    )
    .action(async (folder, options) => (await import('../restore.ts')).runRestore(folder, options))
}

function besideStore(command: Command): Command {
  return command
    .option(
      '--database <url>',
      'the store, sqlite:PATH or postgres://…; default: PORTCULLIS_DATABASE',
    )
    .option('--issuer <url>', 'whose store it is; default: as the settings file says')
    .option('--config <file>', 'the settings file of identity', 'portcullis.identity.json')
    .option('--json', 'answer in JSON, for programs')
}
