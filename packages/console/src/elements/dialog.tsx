import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { texts } from '../text/texts.ts'

/** A native modal dialog: the browser keeps the focus in it, and Escape closes it. */
export function Dialog(props: {
  readonly title: string
  readonly onClose: () => void
  /** Not to be closed by the keyboard or the button: an answer is on its way that must be seen. */
  readonly isFirm?: boolean
  readonly children: ComponentChildren
}): JSX.Element {
  const { title, onClose, isFirm = false, children } = props
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    element.current?.showModal()
  }, [])
  return (
    <dialog
      ref={element}
      aria-labelledby={titleId}
      onClose={onClose}
      onCancel={(event) => {
        if (isFirm) event.preventDefault()
      }}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <button
          type="button"
          class="bare"
          aria-label={texts.frame.close}
          disabled={isFirm}
          onClick={() => element.current?.close()}
        >
          ✕
        </button>
      </header>
      {children}
    </dialog>
  )
}
