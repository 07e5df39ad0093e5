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
  return destination === undefined ? pino(options) : pino(options, destination)
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
