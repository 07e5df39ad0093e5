import type { JSX } from 'preact'

/** Some of what there is to choose from. */
export function Checks(props: {
  readonly label: string
  readonly choices: readonly string[]
  readonly chosen: readonly string[]
  readonly onChoose: (chosen: readonly string[]) => void
  readonly hint?: string
}): JSX.Element {
  const { label, choices, chosen, onChoose, hint } = props
  return (
    <fieldset class="checks">
      <legend>{label}</legend>
      {hint !== undefined && <p class="hint">{hint}</p>}
      {choices.map((choice) => (
        <label key={choice}>
          <input
            type="checkbox"
            checked={chosen.includes(choice)}
            onChange={({ currentTarget: { checked } }) =>
              onChoose(choices.filter((one) => (one === choice ? checked : chosen.includes(one))))
            }
          />
          {choice}
        </label>
      ))}
    </fieldset>
  )
}
