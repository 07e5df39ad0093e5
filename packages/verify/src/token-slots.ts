/** Where remembered tokens lie: sets of a few slots, chosen by the end of a token's signature. */
export interface TokenSlots<Entry extends Remembered> {
  /** The slot of this very token, compared whole; -1, which is no slot, when it is not here. */
  readonly slotOf: (token: string) => number
  /** An empty slot for it, or the one that it would have to take from another. */
  readonly slotFor: (token: string) => number
  readonly read: (slot: number) => Entry | undefined
  readonly write: (slot: number, entry: Entry | undefined) => void
  /** What all entries cost together. */
  readonly bytes: () => number
}

/** What every entry is found and kept by; whoever remembers adds what it is about. */
export interface Remembered {
  readonly token: string
  /** What it costs to remember. */
  readonly bytes: number
  /** Somebody has asked for it since it was last considered for being given up. */
  wasAsked: boolean
}

const ways = 8
const sets = 4_096
export const slotCount: number = ways * sets
/** The end of a signature is random, whoever has chosen the rest of the token. */
const tailCharacters = 8

export function createTokenSlots<Entry extends Remembered>(): TokenSlots<Entry> {
  const entries: (Entry | undefined)[] = Array.from({ length: slotCount })
  const tails = new Int32Array(slotCount)
  let bytes = 0

  return {
    slotOf: (token) => {
      const tail = tailOf(token)
      const first = firstOf(tail)
      for (let slot = first; slot < first + ways; slot += 1) {
        if (tails[slot] === tail && entries[slot]?.token === token) return slot
      }
      return -1
    },
    slotFor: (token) => {
      const tail = tailOf(token)
      const first = firstOf(tail)
      for (let slot = first; slot < first + ways; slot += 1) {
        if (entries[slot] === undefined) return slot
      }
      return first + ((tail >>> 16) % ways)
    },
    read: (slot) => entries[slot],
    write: (slot, entry) => {
      if (slot < 0) return
      bytes += (entry?.bytes ?? 0) - (entries[slot]?.bytes ?? 0)
      entries[slot] = entry
      tails[slot] = entry === undefined ? 0 : tailOf(entry.token)
    },
    bytes: () => bytes,
  }
}

function firstOf(tail: number): number {
  return (tail & (sets - 1)) * ways
}

/** FNV-1a over the last characters. */
export function tailOf(token: string): number {
  let tail = 0x811c9dc5
  for (let at = token.length - tailCharacters; at < token.length; at += 1) {
    tail = Math.imul(tail ^ token.charCodeAt(at), 0x01000193)
  }
  return tail
}
