import type { Command } from 'commander'
import { remote } from './shared-options.ts'
import { moment, wholeNumber } from './parameters.ts'

export function addAuditCommands(program: Command): void {
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
    .action(async (options) => (await import('../remote/audit.ts')).runAuditList(options))

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
    .action(async (options) => (await import('../remote/audit.ts')).runAuditVerify(options))
}
