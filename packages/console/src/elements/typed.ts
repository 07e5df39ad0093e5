import { useEffect, useRef, useState } from 'preact/hooks'

const pauseMs = 300

/** What somebody types, which counts when they pause: each key would be a question otherwise. */
export interface Typed {
  readonly text: string
  readonly type: (text: string) => void
  /** Waits no longer: the field is left, or Enter was pressed. */
  readonly settle: () => void
}

interface Pending {
  readonly text: string
  readonly timer: ReturnType<typeof setTimeout>
}

/** `value`: what counts now, without the spaces around it. Where it changes by other means, that is what the field shows. */
export function useTyped(value: string, onSettle: (text: string) => void): Typed {
  const [text, setText] = useState(value)
  const latest = useRef(onSettle)
  latest.current = onSettle
  const settled = useRef(value)
  const pending = useRef<Pending>(null)
  const forget = (): void => {
    clearTimeout(pending.current?.timer)
    pending.current = null
  }
  const settle = (): void => {
    const typed = pending.current?.text
    forget()
    if (typed === undefined || typed === settled.current) return
    settled.current = typed
    latest.current(typed)
  }
  useEffect(() => {
    if (value === settled.current) return
    settled.current = value
    forget()
    setText(value)
  }, [value])
  useEffect(() => forget, [])
  return {
    text,
    type: (typed) => {
      setText(typed)
      forget()
      pending.current = { text: typed.trim(), timer: setTimeout(settle, pauseMs) }
    },
    settle,
  }
}
