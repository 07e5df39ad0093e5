import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { texts } from '../text/texts.ts'

/** A native modal dialog: the browser keeps the focus in it, and Escape closes it where it may be closed. */
export function Dialog(props: {
  readonly title: string
  readonly onClose: () => void
  /** Not to be closed by the keyboard or the button: an answer is on its way that must be seen. */
  readonly isFirm?: boolean
  /** Somebody has tried to close it while it is firm. */
  readonly onStay?: (() => void) | undefined
  readonly children: ComponentChildren
}): JSX.Element {
  const { title, onClose, isFirm = false, onStay, children } = props
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    // By hand: a browser that has the focus somewhere already heeds no `autofocus`, and says so.
    element.current?.querySelector<HTMLElement>('[data-first]')?.focus()
    return () => {
      // While the dialog is there nothing beside it can have the focus.
      queueMicrotask(() => {
        if (before instanceof HTMLElement) before.focus({ preventScroll: true })
      })
    }
  }, [])
  const stay = (event: Event): void => {
    if (!isFirm) return
    event.preventDefault()
    onStay?.()
  }
  return (
    <dialog
      ref={element}
      aria-labelledby={titleId}
      onClose={() => {
        // Browsers let nobody forbid the second Escape in a row.
        if (isFirm) element.current?.showModal()
        else onClose()
      }}
      onCancel={stay}
      onKeyDown={(event) => {
        if (event.key === 'Escape') stay(event)
      }}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <button
          type="button"
          class="bare"
          aria-label={texts.frame.close}
          disabled={isFirm && onStay === undefined}
          onClick={() => {
            if (isFirm) onStay?.()
            else element.current?.close()
          }}
        >
          ✕
        </button>
      </header>
      {children}
    </dialog>
  )
}
