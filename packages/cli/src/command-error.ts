import { printable } from './printable.ts'

/**
 * A command did not do what it was asked for. Exit codes are a contract with scripts: 1 refused, 2
 * used in a wrong way, 3 unreachable.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: 1 | 2 | 3
  /** What to do about it. */
  readonly remedy: string

  constructor(exitCode: 1 | 2 | 3, message: string, remedy: string) {
    super(message)
    this.exitCode = exitCode
    this.remedy = remedy
  }
}

/** As it is printed. It may have several lines; what others wrote is made one line where it enters a message. */
export function textOf({ message, remedy }: CommandError): string {
  const lines = `${message}\n${remedy}`.split('\n')
  return lines.map((line) => `${printable(line)}\n`).join('')
}
