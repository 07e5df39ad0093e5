import type { Remembered, TokenSlots } from './token-slots.ts'
import { createTokenSlots, slotCount, tailOf } from './token-slots.ts'

/**
 * What was made of tokens that have been seen before. A token is found by a few characters of its
 * signature and then compared whole, so an answer is never about another one. Callers ask again, at
 * every hit, whatever may have changed since.
 */
export interface TokenCache<Entry extends Remembered> {
  readonly find: (token: string) => Entry | undefined
  /** Remembers it if there is room, or if it comes again and another has not. */
  readonly offer: (entry: Entry) => void
  readonly drop: (token: string) => void
  readonly dropWhere: (isGone: (entry: Entry) => boolean) => void
  /** What the entries cost together. */
  readonly bytes: () => number
}

/** Many of the slots that the hand comes by are empty. */
const stepsMax = 64

/**
 * Two rules keep out the thrash of tokens that come once: a full cache takes in only what it has been
 * offered before, and gives up only what nobody has asked for since it was last considered. So many
 * tokens in turn do not put each other out, as they would where the oldest goes.
 */
export function createTokenCache<Entry extends Remembered>(bytesMax: number): TokenCache<Entry> {
  // Made with the first entry: a process that verifies nothing pays nothing.
  let slots: TokenSlots<Entry> | undefined
  const wasOffered = createOffers()
  let hand = 0

  /** Until what is wanted fits in, or somebody has asked for the next one. */
  function makeRoom(from: TokenSlots<Entry>, wanted: number): boolean {
    for (let step = 0; step < stepsMax; step += 1) {
      if (from.bytes() + wanted <= bytesMax) return true
      const isGiven = giveUp(from, hand)
      hand = (hand + 1) % slotCount
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
      if (bytes > bytesMax) return
      slots ??= createTokenSlots()
      if (slots.slotOf(token) >= 0) return
      const isFull = slots.bytes() + bytes > bytesMax
      if (isFull && !(wasOffered(token) && makeRoom(slots, bytes))) return
      const slot = slots.slotFor(token)
      if (giveUp(slots, slot)) slots.write(slot, entry)
    },
    drop: (token) => slots?.write(slots.slotOf(token), undefined),
    dropWhere: (isGone) => {
      for (let slot = 0; slot < slotCount; slot += 1) {
        const entry = slots?.read(slot)
        if (entry !== undefined && isGone(entry)) slots?.write(slot, undefined)
      }
    },
    bytes: () => slots?.bytes() ?? 0,
  }
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
