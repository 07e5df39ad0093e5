import { createHash } from 'node:crypto'

/** How often the store lets mail of one kind go to one mailbox, whoever asks for it and for which account. */
export interface MailPace {
  readonly gapMs: number
  /** So many in a row, and then one each `refillMs`. */
  readonly burst: number
  readonly refillMs: number
}

/** A stranger may ask for somebody else's mail: three in a row are a nuisance, a thousand are an attack. */
export const mailPace: MailPace = { gapMs: 60_000, burst: 3, refillMs: 3_600_000 }

/**
 * Under which key the mails of a kind to an address are counted, so that nobody's address is kept for it. Of
 * `name+anything@…`, which many servers put into one mailbox (RFC 5233), what follows the sign does not count.
 * Does NOT know what else a server takes for one mailbox.
 */
export function mailboxKey(address: string, kind: string): string {
  const at = address.lastIndexOf('@')
  const [name = ''] = address.slice(0, at).split('+', 1)
  const mailbox = name === '' ? address : `${name}${address.slice(at)}`
  return createHash('sha256').update(`portcullis mailbox\0${kind}\0${mailbox}`).digest('base64url')
}
