import type { DestinationStream, Logger } from 'pino'
import { pino } from 'pino'
import { logFields } from './log-fields.ts'
import { createTurnBuffer } from './turn-buffer.ts'
import { wholePieces } from './whole-pieces.ts'

export type Log = Logger

export interface LogOptions {
  readonly name: string
  /** Default `info`. */
  readonly level?: string
  /** Default standard output. */
  readonly destination?: DestinationStream
  /** Which of several processes it is that write to the same standard output: it is in each line, and no line tears. */
  readonly worker?: number
}

/**
 * Structured JSON lines, of the members that `logFields` has. Others are not written, only named (`leftOut`); nor is
 * what could hold a credential one level below. Does NOT look deeper.
 *
 * Lines go to standard output together, once a turn of the event loop, and at once with an error or at the
 * end of the process. Who is killed loses those of the last turn.
 */
export function createLog({ name, level = 'info', destination, worker }: LogOptions): Log {
  // Not pino's own `redact`: it takes 10 µs a line, six times as long as the line itself.
  const options = {
    name,
    level,
    formatters: { log: writable },
    // Errors have been turned into facts by then.
    serializers: { err: (facts: unknown) => facts },
  }
  const log = pino(options, destination ?? standardOutput(worker !== undefined))
  // Formatters do not reach what a child is made with.
  // eslint-disable-next-line typescript/unbound-method
  const { child } = log
  log.child = function (bindings, childOptions) {
    return Reflect.apply(child, this, [writable(bindings), childOptions])
  }
  return worker === undefined ? log : log.child({ worker })
}

/**
 * Whoever reads the log may go away, and that must not keep a process from working or from ending. Not
 * pino's own stream for standard output: at exit it tries a broken pipe again for ever.
 */
function standardOutput(isShared: boolean): DestinationStream {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => undefined)
  const buffer = createTurnBuffer((lines) => {
    for (const piece of isShared ? wholePieces(lines) : [lines]) process.stdout.write(piece)
  })
  process.once('exit', buffer.flush)
  return buffer
}

const known: ReadonlySet<string> = new Set(Object.keys(logFields))

function writable(facts: Record<string, unknown>): Record<string, unknown> {
  if (isFlatAndKnown(facts)) return facts
  const entries = Object.entries(facts)
  const written = entries
    .filter(([name]) => known.has(name))
    .map(([name, value]) => [name, withoutOwnSecrets(value)] as const)
  const leftOut = entries.map(([name]) => name).filter((name) => !known.has(name))
  return { ...Object.fromEntries(written), ...(leftOut.length > 0 && { leftOut }) }
}

/** As the line of a request is, which is written as it came: a copy would cost as much as the line. */
function isFlatAndKnown(facts: Record<string, unknown>): boolean {
  for (const name in facts) {
    const value = facts[name]
    if (!known.has(name) || (typeof value === 'object' && value !== null)) return false
  }
  return true
}

function withoutOwnSecrets(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  // What has none stays what it is: a date or a class of its own knows how to be written.
  const facts: object = value instanceof Error ? pino.stdSerializers.err(value) : value
  const entries = Object.entries(facts)
  return entries.every(isNoSecret) ? facts : Object.fromEntries(entries.filter(isNoSecret))
}

/** A second line of defence: nothing here is meant to reach a log call in the first place. */
const secretMembers: ReadonlySet<string> = new Set([
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
])

function isNoSecret([name]: readonly [string, unknown]): boolean {
  return !secretMembers.has(name)
}
