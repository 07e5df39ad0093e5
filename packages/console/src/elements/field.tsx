import type { ComponentChildren, JSX } from 'preact'
import { useContext, useId } from 'preact/hooks'
import { texts } from '../text/texts.ts'
import { FormFaults } from './form-faults.ts'

interface FieldProps {
  readonly label: string
  readonly value: string
  /** `isHalfTyped`: of a date whose parts are not all there. */
  readonly onInput: (value: string, isHalfTyped: boolean) => void
  /** The field was left, or Enter was pressed. */
  readonly onSettle?: () => void
  readonly isMoment?: boolean
  readonly hint?: string
  /** What is wrong with what was typed, where that is no matter of a form. */
  readonly fault?: string | undefined
  /** Of the request that it is for: what is wrong with that is said here. */
  readonly member?: string
  readonly autoComplete?: string
  /** Has the focus when the dialog opens that it stands in. */
  readonly isFirst?: boolean
  /** Said where there is a choice; whatever of a form does not say so has to be filled in. */
  readonly isOptional?: boolean
}

/** A line to type in, with its label, its hint and what is wrong with what was typed. */
export function Field(props: FieldProps): JSX.Element {
  const { label, value, onInput, hint, member = '', isFirst = false, isOptional = false } = props
  const id = useId()
  const given = useContext(FormFaults)[member]
  const fault = props.fault ?? given
  return (
    <div class="field">
      <label for={id}>
        {label}
        {isOptional && <Optional />}
      </label>
      <input
        id={id}
        {...(props.isMoment === true && momentInput)}
        value={value}
        autoComplete={props.autoComplete ?? 'off'}
        data-first={isFirst ? '' : undefined}
        aria-invalid={fault !== undefined}
        aria-describedby={notesOf(id, hint, fault)}
        onInput={({ currentTarget }) =>
          onInput(currentTarget.value, currentTarget.validity.badInput)
        }
        onChange={props.onSettle}
        onBlur={({ currentTarget }) => {
          // A date that never was whole has told nothing so far.
          if (currentTarget.validity.badInput) onInput(currentTarget.value, true)
        }}
      />
      <Notes id={id} hint={hint} fault={fault} />
    </div>
  )
}

export function Optional(): JSX.Element {
  return <span class="optional"> {texts.decisions.optional}</span>
}

/** The ids of what describes a control. */
export function notesOf(
  id: string,
  hint: string | undefined,
  fault: ComponentChildren,
): string | undefined {
  const notes = [hint && `${id}-hint`, fault !== undefined && `${id}-fault`].filter(Boolean)
  return notes.length === 0 ? undefined : notes.join(' ')
}

export function Notes(props: {
  readonly id: string
  readonly hint?: string | undefined
  readonly fault: ComponentChildren
}): JSX.Element {
  const { id, hint, fault } = props
  return (
    <>
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
    </>
  )
}

/** Years have four digits, also while they are typed. */
const momentInput = { type: 'datetime-local', max: '9999-12-31T23:59' } as const

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
