import type { JSX } from 'preact'
import { useId } from 'preact/hooks'

/** A line to type in, with its label, its hint and what is wrong with what was typed. */
export function Field(props: {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly hint?: string
  readonly fault?: string | undefined
  readonly autoComplete?: string
  /** Has the focus when the dialog opens that it stands in. */
  readonly isFirst?: boolean
  readonly isRequired?: boolean
}): JSX.Element {
  const { label, value, onInput, hint, fault, isFirst = false } = props
  const id = useId()
  const notes = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ')
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        value={value}
        autoComplete={props.autoComplete ?? 'off'}
        required={props.isRequired}
        autofocus={isFirst}
        aria-invalid={fault !== undefined}
        aria-describedby={notes === '' ? undefined : notes}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault !== undefined && (
        <p class="fault" id={`${id}-fault`} role="alert">
          {fault}
        </p>
      )}
    </div>
  )
}

export interface Choice {
  readonly value: string
  readonly text: string
}

export function ChoiceField(props: {
  readonly label: string
  readonly value: string
  readonly choices: readonly Choice[]
  readonly onChoose: (value: string) => void
}): JSX.Element {
  const { label, value, choices, onChoose } = props
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.text}
          </option>
        ))}
      </select>
    </div>
  )
}
