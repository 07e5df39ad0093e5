/** Who is called when another node has something new. Whatever brings the news runs only while somebody wants them. */
export interface WokenListeners {
  readonly onWoken: (listener: () => void) => () => void
  readonly call: () => void
  /** Ends what brings the news, and does not begin again. */
  readonly close: () => void
}

/** `begin` starts to bring the news, and answers how to end that. */
export function createWokenListeners(begin: () => () => void): WokenListeners {
  const listeners = new Set<() => void>()
  let end: (() => void) | undefined
  let isClosed = false
  const stop = (): void => {
    end?.()
    end = undefined
  }
  return {
    onWoken: (listener) => {
      // Its own: the same function may be given twice.
      const own = (): void => listener()
      listeners.add(own)
      if (!isClosed) end ??= begin()
      return () => {
        listeners.delete(own)
        if (listeners.size === 0) stop()
      }
    },
    call: () => {
      for (const listener of listeners) listener()
    },
    close: () => {
      isClosed = true
      stop()
    },
  }
}
