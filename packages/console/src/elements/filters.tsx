import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { isoText, localText } from '../data/local-time.ts'
import { zoneName } from '../text/format.ts'
import { texts } from '../text/texts.ts'
import { Field } from './field.tsx'
import { useTyped } from './typed.ts'

interface FilterProps {
  readonly label: string
  /** What the list is narrowed to now. */
  readonly value: string
  readonly onSettle: (value: string) => void
  readonly hint?: string
  readonly fault?: string | undefined
}

/** A moment that narrows a list when typing pauses: its value is in UTC, and it shows the time of whoever looks. */
export function MomentFilter({ value, onSettle, ...field }: FilterProps): JSX.Element {
  const typed = useTyped(localText(value), (local) => onSettle(isoText(local)))
  const [isHalf, setHalf] = useState(false)
  return (
    <Field
      {...field}
      hint={isHalf ? texts.lists.halfMoment : texts.lists.yourTime(zoneName)}
      isMoment
      value={typed.text}
      onInput={(local, isHalfTyped) => {
        setHalf(isHalfTyped)
        if (!isHalfTyped) typed.type(local)
      }}
      onSettle={typed.settle}
    />
  )
}
