import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAccountCommands } from './accounts.ts'
import { addAnomalyCommands } from './anomalies.ts'
import { addAuditCommands } from './audit.ts'
import { addBackupCommands } from './backup.ts'
import { addClientCommands } from './clients.ts'
import { addDoctorCommand } from './doctor.ts'
import { showExamples } from './examples.ts'
import { addKeyCommands } from './keys.ts'
import { addProcessCommands } from './processes.ts'
import { addSessionCommands } from './sessions.ts'
import { addStreamCommands } from './streams.ts'
import { addTokenCommands } from './token.ts'

/** Every command and option. What a command does is loaded when it is called, so that each process holds its own part only. */
export function createProgram(): Command {
  const program = new Command('portcullis')
    .description('JWT login and authorization for microservices')
    .version(ownVersion())
    .exitOverride()
    .showHelpAfterError('(add --help for what may be said)')
  addProcessCommands(program)
  addBackupCommands(program)
  addAccountCommands(program)
  addSessionCommands(program)
  addKeyCommands(program)
  addAuditCommands(program)
  addAnomalyCommands(program)
  addTokenCommands(program)
  addClientCommands(program)
  addStreamCommands(program)
  addDoctorCommand(program)
  showExamples(program)
  return program
}

function ownVersion(): string {
  const file: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  const version = typeof file === 'object' && file !== null && 'version' in file ? file.version : ''
  return String(version)
}
