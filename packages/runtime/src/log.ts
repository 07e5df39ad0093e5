import type { DestinationStream, Logger } from 'pino'
import { pino } from 'pino'

export type Log = Logger

export interface LogOptions {
  readonly name: string
  /** Default `info`. */
  readonly level?: string
  /** Default standard output. */
  readonly destination?: DestinationStream
}

/**
 * Structured JSON lines. Members that could hold a credential are removed before anything is written,
 * at the top level and one level below. Does NOT look deeper.
 */
export function createLog({ name, level = 'info', destination }: LogOptions): Log {
  const options = {
    name,
    level,
    redact: { paths: secretMembers.flatMap((member) => [member, `*.${member}`]), remove: true },
  }
  return pino(options, destination ?? standardOutput())
}

/**
 * Whoever reads the log may go away, and that must not keep a process from working or from ending. Not
 * pino's own stream for standard output: at exit it tries a broken pipe again for ever.
 */
function standardOutput(): DestinationStream {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => undefined)
  return process.stdout
}

/** A second line of defence: nothing here is meant to reach a log call in the first place. */
const secretMembers = [
  'password',
  'authorization',
  'cookie',
  'token',
  'access_token',
  'refresh_token',
  'client_secret',
  'privateKey',
  'headers',
  'body',
]
