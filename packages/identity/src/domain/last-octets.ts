/**
 * The last of what was added, one behind the other. Parts of it are given out without a copy: what has been added is
 * never changed, so however many readers stand at different places, all hold the same memory.
 */
export interface LastOctets {
  readonly add: (octets: Buffer) => void
  /** Undefined when so many are not here. */
  readonly last: (count: number) => Buffer | undefined
}

/** Keeps `max` of them, in the room of twice as many; in less while they are few. */
export function createLastOctets(max: number): LastOctets {
  let room = Buffer.alloc(0)
  let end = 0
  return {
    add: (octets) => {
      const added = octets.subarray(-max)
      if (end + added.length > room.length) {
        const kept = room.subarray(Math.max(0, end + added.length - max), end)
        end = kept.length + added.length
        room = Buffer.concat([kept, added], 2 * Math.min(end, max))
      } else {
        added.copy(room, end)
        end += added.length
      }
    },
    last: (count) =>
      count < 0 || count > Math.min(end, max) ? undefined : room.subarray(end - count, end),
  }
}
