import type { Command } from 'commander'
import { moment, wholeNumber } from './parameters.ts'
import { remote } from './shared-options.ts'

export function addAnomalyCommands(program: Command): void {
  const anomalies = program.command('anomalies').description('see what the rules have found')

  remote(anomalies.command('list'))
    .description('show attacks and faults that were noticed, the newest first, and what to do')
    .option('--rule <name>', 'only those of this rule')
    .option('--severity <name>', 'only notice, warning or critical ones')
    .option('--since <time>', 'only those that were seen since then, such as 2026-01-31', moment)
    .option('--limit <n>', 'at most so many, 1 to 200; default 50', wholeNumber(1, 200))
    .option('--after <cursor>', 'go on behind the last page, with the cursor that it ended with')
    .addHelpText('after', '\nWhat each rule means is in docs/anomalies.md.')
    .action(async (options) => (await import('../remote/anomalies.ts')).runAnomaliesList(options))
}
