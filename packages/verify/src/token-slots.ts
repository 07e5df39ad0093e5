/** Where remembered tokens lie: sets of a few slots, chosen by the end of a token's signature. */
export interface TokenSlots<Entry extends Remembered> {
  /** The slot of this very token, compared whole; -1, which is no slot, when it is not here. */
  readonly slotOf: (token: string) => number
  /** An empty slot for it, or the one that it would have to take from another. */
  readonly slotFor: (token: string) => number
  readonly read: (slot: number) => Entry | undefined
  readonly write: (slot: number, entry: Entry | undefined) => void
  /** How many there are; they are numbered from 0. */
  readonly count: number
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
const setsMin = 64
const setsMax = 4_096
/** Several slots for each entry that finds room: of those that meet in one set, one would have to go. */
const bytesPerSlot = 512
/** The end of a signature is random, whoever has chosen the rest of the token. */
const tailCharacters = 8

/** As many as are of use where all entries together take up no more than that. */
export function createTokenSlots<Entry extends Remembered>(bytesMax: number): TokenSlots<Entry> {
  const sets = setsFor(bytesMax)
  const count = sets * ways
  const entries: (Entry | undefined)[] = Array.from({ length: count })
  const tails = new Int32Array(count)
  const firstOf = (tail: number): number => (tail & (sets - 1)) * ways
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
    count,
    bytes: () => bytes,
  }
}

/** A power of two. */
function setsFor(bytesMax: number): number {
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, bytesMax / bytesPerSlot / ways)))
  return Math.min(Math.max(wanted, setsMin), setsMax)
}

/** FNV-1a over the last characters. */
export function tailOf(token: string): number {
  let tail = 0x811c9dc5
  for (let at = token.length - tailCharacters; at < token.length; at += 1) {
    tail = Math.imul(tail ^ token.charCodeAt(at), 0x01000193)
  }
  return tail
}
