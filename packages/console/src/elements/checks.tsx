import type { JSX } from 'preact'
import { useContext, useId } from 'preact/hooks'
import { Notes, notesOf, Optional } from './field.tsx'
import { FormFaults } from './form-faults.ts'

/** Some of what there is to choose from. */
export function Checks(props: {
  readonly label: string
  readonly choices: readonly string[]
  readonly chosen: readonly string[]
  readonly onChoose: (chosen: readonly string[]) => void
  readonly hint?: string
  /** What each choice is, where its name does not say so. */
  readonly noteOf?: (choice: string) => string
  readonly member?: string
  readonly isOptional?: boolean
}): JSX.Element {
  const { label, choices, chosen, onChoose, hint, noteOf, member = '', isOptional = false } = props
  const id = useId()
  const fault = useContext(FormFaults)[member]
  return (
    <fieldset
      class={noteOf === undefined ? 'checks' : 'checks noted'}
      aria-describedby={notesOf(id, hint, fault)}
    >
      <legend>
        {label}
        {isOptional && <Optional />}
      </legend>
      <Notes id={id} hint={hint} fault={fault} />
      {choices.map((choice) => (
        <label key={choice}>
          <input
            type="checkbox"
            checked={chosen.includes(choice)}
            aria-invalid={fault !== undefined}
            onChange={({ currentTarget: { checked } }) =>
              onChoose(choices.filter((one) => (one === choice ? checked : chosen.includes(one))))
            }
          />
          <span>
            {choice}
            {noteOf !== undefined && <small class="hint">{noteOf(choice)}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}
