import { useEffect, useRef, useState } from 'preact/hooks'
import { noteSignedOut } from '../session/session.ts'

export interface Loading<Value> {
  /** What was there last; it stays while the same is asked for again, and when that fails. */
  readonly value: Value | undefined
  /** Why the last time failed; undefined when it did not. */
  readonly error: unknown
  readonly isLoading: boolean
  readonly reload: () => void
}

export interface LoadOptions {
  /** Asks again so long after each answer, as long as somebody looks at the page. */
  readonly everySeconds?: number
}

/** Asks when the page opens, and again whenever what is asked changes: `question` says what that is. */
export function useLoaded<Value>(
  question: string,
  load: () => Promise<Value>,
  { everySeconds }: LoadOptions = {},
): Loading<Value> {
  const [state, setState] = useState<Omit<Loading<Value>, 'reload'>>(nothingYet)
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load

  useEffect(() => {
    setState(nothingYet)
  }, [question])

  useEffect(() => {
    let isOver = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      const asked = await answerOf(latest.current)
      if (isOver) return
      setState((before) => ({ value: before.value, isLoading: false, ...asked }))
      if (everySeconds !== undefined) timer = setTimeout(wake, everySeconds * 1000)
    }
    const wake = (): void => {
      // A page that nobody looks at asks for nothing; it goes on when it is seen again.
      if (document.visibilityState === 'visible') void ask()
      else document.addEventListener('visibilitychange', wake, { once: true })
    }
    setState((before) => ({ ...before, isLoading: true }))
    void ask()
    return () => {
      isOver = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', wake)
    }
  }, [question, turn, everySeconds])

  return { ...state, reload: () => setTurn((count) => count + 1) }
}

const nothingYet = { value: undefined, error: undefined, isLoading: true } as const

async function answerOf<Value>(
  load: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly error: undefined } | { readonly error: unknown }> {
  try {
    return { value: await load(), error: undefined }
  } catch (error) {
    noteSignedOut(error)
    return { error }
  }
}
