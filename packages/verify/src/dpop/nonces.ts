import { createHmac } from 'node:crypto'

/** Nonces that a service chooses (RFC 9449 section 9), so that no proof can be made long before. */
export interface Nonces {
  readonly current: () => string
  readonly accepts: (nonce: unknown) => boolean
}

export type NonceKeys = readonly [Uint8Array, ...Uint8Array[]]

/** A nonce lives one to two of these: a client has one round trip to use it, and may cache it. */
const slotSeconds = 60

/**
 * Nonces without a store: one for each minute, the same for every client, which nobody without the
 * key can tell beforehand. That of the minute before is good too, and that of the next, which a
 * replica with the same key and a faster clock may have given. The first key makes them; those of the others
 * are good too, for replicas that have another key already, or still.
 */
export function createNonces(keys: NonceKeys, now: () => number): Nonces {
  const slot = (): number => Math.floor(now() / 1000 / slotSeconds)
  const nonceOf = (at: number, key = keys[0]): string =>
    createHmac('sha256', key).update(`DPoP nonce ${at}`).digest('base64url')

  return {
    current: () => nonceOf(slot()),
    // Compared plainly: whoever asks is given the nonce, so its timing tells no secret.
    accepts: (nonce) =>
      keys.some((key) => [0, -1, 1].some((away) => nonceOf(slot() + away, key) === nonce)),
  }
}
