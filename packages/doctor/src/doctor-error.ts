/** Nothing could be examined: `usage` is a mistake of the caller's, `unreachable` one of the world. */
export class DoctorError extends Error {
  override readonly name = 'DoctorError'
  readonly kind: 'usage' | 'unreachable'
  /** What to do about it. */
  readonly remedy: string

  constructor(kind: DoctorError['kind'], message: string, remedy: string) {
    super(message)
    this.kind = kind
    this.remedy = remedy
  }
}
