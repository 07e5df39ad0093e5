import type { JSX } from 'preact'
import { useContext, useId, useState } from 'preact/hooks'
import { texts } from '../text/texts.ts'
import { Field, Notes, notesOf } from './field.tsx'
import { FormFaults } from './form-faults.ts'

interface ReasonProps {
  readonly value: string
  readonly onInput: (reason: string) => void
  /** The usual ones, of which none is chosen before somebody does. */
  readonly usual?: readonly string[] | undefined
  readonly isOptional?: boolean | undefined
  readonly isFirst: boolean
}

/** Why it is done, in the words of who does it. */
export function ReasonField(props: ReasonProps): JSX.Element {
  const { value, onInput, usual, isOptional = false, isFirst } = props
  if (usual !== undefined) return <ReasonChoice {...props} usual={usual} />
  return (
    <Field
      label={texts.decisions.reason}
      hint={texts.decisions.reasonHint}
      member="reason"
      value={value}
      onInput={onInput}
      isFirst={isFirst}
      isOptional={isOptional}
    />
  )
}

const other = ''

/** One click for what is usual, and room for what is not. */
function ReasonChoice(props: ReasonProps & { readonly usual: readonly string[] }): JSX.Element {
  const { value, onInput, usual, isFirst } = props
  const [chosen, setChosen] = useState<string>()
  const id = useId()
  const { reason, reasonHint, reasonMissing, otherReason, ownWords } = texts.decisions
  const fault = useContext(FormFaults)['reason']
  const choose = (one: string): void => {
    setChosen(one)
    onInput(one)
  }
  return (
    <>
      <fieldset class="checks reasons" aria-describedby={notesOf(id, reasonHint, fault)}>
        <legend>{reason}</legend>
        <Notes id={id} hint={reasonHint} fault={chosen === other ? undefined : fault} />
        {[...usual, other].map((one, index) => (
          <label key={one}>
            <input
              type="radio"
              name={id}
              checked={chosen === one}
              data-first={isFirst && index === 0 ? '' : undefined}
              aria-invalid={fault !== undefined && chosen === undefined}
              onChange={() => choose(one)}
            />
            {one === other ? otherReason : one}
          </label>
        ))}
      </fieldset>
      {chosen === other && (
        <Field
          label={ownWords}
          fault={fault !== undefined && value === '' ? reasonMissing : undefined}
          member="reason"
          value={value}
          onInput={onInput}
        />
      )}
    </>
  )
}
