/** True time, in milliseconds, of which no clock in the world knows more than what it shows. */
export interface VirtualTime {
  readonly now: () => number
  /** Calls at a moment that comes, behind what was asked for before at the same moment. Answers how to call it off. */
  readonly after: (ms: number, callback: () => void) => () => void
  readonly pause: (ms: number) => Promise<void>
  /**
   * Calls when every promise of what just happens has gone on, and before anything else happens: to look, and not to
   * act. A turn of its own would cost more than the look.
   */
  readonly afterwards: (look: () => void) => void
  /** Lets everything happen up to this moment, one thing after the other. */
  readonly runUntil: (ms: number) => Promise<void>
  /** How much has happened. */
  readonly events: () => number
}

interface Entry {
  readonly at: number
  readonly order: number
  callback: (() => void) | undefined
}

export function createVirtualTime(): VirtualTime {
  const heap: Entry[] = []
  let looks: (() => void)[] = []
  let now = 0
  let order = 0
  let events = 0

  const after: VirtualTime['after'] = (ms, callback) => {
    const entry: Entry = { at: now + Math.max(0, Math.ceil(ms)), order, callback }
    order += 1
    push(heap, entry)
    return () => {
      entry.callback = undefined
    }
  }

  return {
    now: () => now,
    after,
    pause: (ms) => new Promise<void>((resolve) => void after(ms, resolve)),
    afterwards: (look) => void looks.push(look),
    runUntil: async (ms) => {
      while (await takeTurns(() => takeFirst(ms)));
      now = Math.max(now, ms)
    },
    events: () => events,
  }

  /** False when nothing more happens up to then. */
  function takeFirst(ms: number): boolean {
    if (looks.length > 0) {
      const due = looks
      looks = []
      for (const look of due) look()
    }
    for (let first = heap[0]; first !== undefined && first.at <= ms; first = heap[0]) {
      pop(heap)
      const { callback } = first
      if (callback === undefined) continue
      now = first.at
      events += 1
      callback()
      return true
    }
    return false
  }
}

const turnsTogether = 32

/**
 * Before each turn every promise that waits for no time has gone on: nothing in this world does real I/O, and Node
 * empties the queue of promises between two immediates. Many are asked for at once, because to ask the system in
 * between whether there is any I/O costs more than the turn.
 */
function takeTurns(turn: () => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let goesOn = true
    const takeTurn = (): void => {
      try {
        goesOn &&= turn()
      } catch (error) {
        goesOn = false
        reject(error)
      }
    }
    for (let count = 0; count < turnsTogether; count += 1) setImmediate(takeTurn)
    setImmediate(() => resolve(goesOn))
  })
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || !isBefore(entry, above)) break
    heap[at] = above
    at = parent
  }
  heap[at] = entry
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const [one, other] = [heap[left], heap[left + 1]]
    if (one === undefined) break
    const isOther = other !== undefined && isBefore(other, one)
    const child = isOther ? other : one
    if (!isBefore(child, last)) break
    heap[at] = child
    at = isOther ? left + 1 : left
  }
  heap[at] = last
}
