import { Buffer } from 'node:buffer'
import type { Remembered, TokenSlots } from './token-slots.ts'
import { createTokenSlots, tailOf } from './token-slots.ts'

/**
 * What was made of tokens that have been seen before. A token is found by a few characters of its
 * signature and then compared whole, so an answer is never about another one. Callers ask again, at
 * every hit, whatever may have changed since.
 */
export interface TokenCache<Entry extends Remembered> {
  readonly find: (token: string) => Entry | undefined
  /** Remembers it when it is offered for the second time, and there is room or another has to go. */
  readonly offer: (entry: Entry) => void
  readonly drop: (token: string) => void
  readonly dropWhere: (isGone: (entry: Entry) => boolean) => void
  /** What the entries cost together. */
  readonly bytes: () => number
}

/** Many of the slots that the hand comes by are empty. */
const stepsMax = 64

/**
 * Two rules keep out the thrash of tokens that come once: only what was offered before is taken in, and a
 * full cache gives up only what nobody has asked for since it was last considered. So many tokens in
 * turn do not put each other out, as they would where the oldest goes. It also spares the garbage
 * collector, for which an entry that lives costs a tenth of the signature.
 */
export function createTokenCache<Entry extends Remembered>(bytesMax: number): TokenCache<Entry> {
  // Made with the first entry: a process that sees no token twice pays nothing.
  let slots: TokenSlots<Entry> | undefined
  const wasOffered = createOffers()
  let hand = 0

  /** Until what is wanted fits in, or somebody has asked for the next one. */
  function makeRoom(from: TokenSlots<Entry>, wanted: number): boolean {
    for (let step = 0; step < stepsMax; step += 1) {
      if (from.bytes() + wanted <= bytesMax) return true
      const isGiven = giveUp(from, hand)
      hand = (hand + 1) % from.count
      if (!isGiven) return false
    }
    return false
  }

  return {
    find: (token) => {
      const entry = slots?.read(slots.slotOf(token))
      if (entry !== undefined) entry.wasAsked = true
      return entry
    },
    offer: (entry) => {
      const { token, bytes } = entry
      if (bytes > bytesMax || !wasOffered(token)) return
      slots ??= createTokenSlots(bytesMax)
      // What is offered again while it is here was found to be out of date.
      slots.write(slots.slotOf(token), undefined)
      if (!makeRoom(slots, bytes)) return
      const slot = slots.slotFor(token)
      if (giveUp(slots, slot)) slots.write(slot, { ...entry, token: ownCopy(token) })
    },
    drop: (token) => slots?.write(slots.slotOf(token), undefined),
    dropWhere: (isGone) => {
      if (slots === undefined) return
      for (let slot = 0; slot < slots.count; slot += 1) {
        const entry = slots.read(slot)
        if (entry !== undefined && isGone(entry)) slots.write(slot, undefined)
      }
    },
    bytes: () => slots?.bytes() ?? 0,
  }
}

/** A part of a longer text keeps the whole of it alive: of a header, or of all cookies. */
function ownCopy(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1')
}

/** False when somebody has asked for it; the next time it has to have been asked for again. */
function giveUp<Entry extends Remembered>(slots: TokenSlots<Entry>, slot: number): boolean {
  const entry = slots.read(slot)
  if (entry?.wasAsked === true) {
    entry.wasAsked = false
    return false
  }
  slots.write(slot, undefined)
  return true
}

/** How many offers are remembered, to know the next one of the same token. */
const offersRemembered = 16_384

/** Another token with the same tail may be taken for it, which lets one in that comes for the first time. */
function createOffers(): (token: string) => boolean {
  const tails = new Int32Array(offersRemembered)
  return (token) => {
    const tail = tailOf(token)
    const at = (tail >>> 8) & (offersRemembered - 1)
    if (tails[at] === tail) return true
    tails[at] = tail
    return false
  }
}
