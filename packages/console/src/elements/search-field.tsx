import type { JSX } from 'preact'
import { useId } from 'preact/hooks'
import { Notes, notesOf } from './field.tsx'
import { useTyped } from './typed.ts'

/** Looks for what is typed: after a pause, and at once by Enter. The same on every page. */
export function SearchField(props: {
  readonly label: string
  readonly value: string
  readonly onSearch: (value: string) => void
  /** What else Enter does. */
  readonly onEnter?: (value: string) => void
  readonly hint?: string
}): JSX.Element {
  const { label, value, onSearch, onEnter, hint } = props
  const id = useId()
  const { text, type, settle } = useTyped(value, onSearch)
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="search"
        value={text}
        autoComplete="off"
        spellcheck={false}
        aria-describedby={notesOf(id, hint, undefined)}
        onInput={({ currentTarget }) => type(currentTarget.value)}
        onKeyDown={({ key }) => {
          if (key !== 'Enter') return
          settle()
          onEnter?.(text.trim())
        }}
      />
      <Notes id={id} hint={hint} fault={undefined} />
    </div>
  )
}
