/** Events on their way to one reader. */
export interface EventQueue<Event> {
  /** False when there is no room; the event is not taken then. */
  readonly push: (event: Event) => boolean
  /**
   * What still waits is dropped: it is not for a reader who may not read any more. The reader gets
   * the error, where there is one, and then the end. Only the first call counts.
   */
  readonly end: (error?: Error) => void
  readonly events: AsyncIterableIterator<Event>
}

/** `ended` is called once, whether `end` was called or the reader returned. */
export function createEventQueue<Event>(waitingMax: number, ended: () => void): EventQueue<Event> {
  const waiting: Event[] = []
  let isEnded = false
  let lastWord: Error | undefined
  let changed = Promise.withResolvers<void>()

  const wake = (): void => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  const end = (error?: Error): void => {
    if (isEnded) return
    isEnded = true
    lastWord = error
    waiting.length = 0
    wake()
    ended()
  }
  const next = async (): Promise<IteratorResult<Event>> => {
    const [value] = waiting.splice(0, 1)
    if (value !== undefined) return { done: false, value }
    if (!isEnded) {
      await changed.promise
      return next()
    }
    const error = lastWord
    lastWord = undefined
    if (error !== undefined) throw error
    return { done: true, value: undefined }
  }
  return {
    push: (event) => {
      if (isEnded || waiting.length >= waitingMax) return false
      waiting.push(event)
      wake()
      return true
    },
    end,
    events: {
      next,
      // Not a generator: its return would wait for a next that may never come.
      return: () => {
        end()
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
}
