import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'

/** The heading of a list, with the button that opens the dialog which makes one more. */
export function CreationHeader(props: {
  readonly title: string
  readonly action: string
  readonly dialog: (onClose: (isDone: boolean) => void) => ComponentChildren
  readonly onDone: () => void
}): JSX.Element {
  const { title, action, dialog, onDone } = props
  const [isOpen, setOpen] = useState(false)
  const close = (isDone: boolean): void => {
    setOpen(false)
    if (isDone) onDone()
  }
  return (
    <header class="of-page">
      <h1>{title}</h1>
      <button type="button" class="main" onClick={() => setOpen(true)}>
        {action}
      </button>
      {isOpen && dialog(close)}
    </header>
  )
}
