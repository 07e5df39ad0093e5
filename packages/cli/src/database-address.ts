import { holdsPassword, readSecret } from '@portcullis/runtime'
import { CommandError } from './command-error.ts'
import { environment } from './settings.ts'

const variable = 'PORTCULLIS_DATABASE'
const remedy = `Set ${variable}, or ${variable}_FILE to a file that only this user can read.`

/** The store that a command works on: its `--database`, or what the environment names. */
export function requireDatabase(option: string | undefined): string {
  if (option !== undefined) return refusePassword(option)
  const read = readSecret(environment(), variable)
  if (read.kind === 'text') return read.text
  if (read.kind === 'mistaken') {
    throw new CommandError(2, `${read.mistake.path} ${read.mistake.message}`, remedy)
  }
  throw new CommandError(2, 'no database is named', `Give --database URL, or set ${variable}.`)
}

/** An address from a command line, which every user of this machine can read. */
export function refusePassword(url: string): string {
  if (!holdsPassword(url)) return url
  throw new CommandError(2, 'the address of the database holds a password', remedy)
}
