import { useEffect, useRef, useState } from 'preact/hooks'
import { noteEnd } from '../session/session.ts'

export interface Loading<Value> {
  /** What was there last; it stays while the same is asked for again, and when that fails. */
  readonly value: Value | undefined
  /** Why the last time failed; undefined when it did not. */
  readonly error: unknown
  /** Somebody has asked for it, and there is no answer yet. What is shown may answer what was asked before. */
  readonly isLoading: boolean
  readonly reload: () => void
}

export interface LoadOptions {
  /** Asks again so long after each answer, as long as somebody looks at the page. */
  readonly everySeconds?: number
  /** Of lists: what answered the question before is there until this one is answered. */
  readonly keepsFormer?: boolean
}

interface Told<Value> {
  /** What it answers. */
  readonly question: string
  readonly value: Value | undefined
  readonly error: unknown
  readonly isLoading: boolean
}

/** Asks when the page opens, and again whenever what is asked changes: `question` says what that is. */
export function useLoaded<Value>(
  question: string,
  load: () => Promise<Value>,
  { everySeconds, keepsFormer = false }: LoadOptions = {},
): Loading<Value> {
  const [told, setTold] = useState<Told<Value>>({ question, ...nothingYet })
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load

  useEffect(() => {
    // Whatever answers a question that is no longer asked comes too late.
    let isOver = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      const answer = await answerOf(latest.current)
      if (isOver) return
      setTold((before) => {
        const kept = before.question === question ? before.value : undefined
        return { question, value: kept, isLoading: false, ...answer }
      })
      if (everySeconds !== undefined) timer = setTimeout(wake, everySeconds * 1000)
    }
    const wake = (): void => {
      // A page that nobody looks at asks for nothing; it goes on when it is seen again.
      if (document.visibilityState === 'visible') void ask()
      else document.addEventListener('visibilitychange', wake, { once: true })
    }
    setTold((before) => ({ ...before, isLoading: true }))
    void ask()
    return () => {
      isOver = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', wake)
    }
  }, [question, turn, everySeconds])

  const reload = (): void => setTurn((count) => count + 1)
  if (told.question === question) return { ...told, reload }
  return { ...nothingYet, value: keepsFormer ? told.value : undefined, reload }
}

const nothingYet = { value: undefined, error: undefined, isLoading: true } as const

async function answerOf<Value>(
  load: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly error: undefined } | { readonly error: unknown }> {
  try {
    return { value: await load(), error: undefined }
  } catch (error) {
    noteEnd(error)
    return { error }
  }
}
