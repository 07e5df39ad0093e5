/** A place in the revocation log. Positions of different epochs cannot be compared. */
export interface RevocationPosition {
  /** 128 random bits, base64url: a new one begins whenever history may have been lost. */
  readonly epoch: string
  /** How many records the epoch had by then. */
  readonly seq: number
}

const form = /^([A-Za-z0-9_-]{22}):(0|[1-9]\d{0,14})$/

/** `<epoch>:<seq>` */
export function formatPosition({ epoch, seq }: RevocationPosition): string {
  return `${epoch}:${seq}`
}

/** Undefined when this is no position. */
export function parsePosition(text: string): RevocationPosition | undefined {
  const [, epoch, seq] = form.exec(text) ?? []
  return epoch === undefined ? undefined : { epoch, seq: Number(seq) }
}
