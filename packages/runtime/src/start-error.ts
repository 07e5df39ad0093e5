/**
 * A process cannot start, for a reason that its operator can mend. The message says what is wrong and
 * where; the remedy says what to do. It is printed without a stack and ends the process with 1.
 */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly remedy: string

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options)
    this.remedy = remedy
  }
}

/** One error that says what each of these says. */
export function joinStartErrors(errors: readonly StartError[]): StartError {
  const remedies = new Set(errors.map(({ remedy }) => remedy))
  return new StartError(errors.map(({ message }) => message).join('\n'), [...remedies].join('\n'))
}

/** The `code` of a Node system error (`EADDRINUSE`, `ENOENT`), when the value is one. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}
