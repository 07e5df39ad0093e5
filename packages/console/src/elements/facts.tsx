import type { ComponentChildren, JSX } from 'preact'

/** What is known about one thing: names and values. */
export function Facts(props: {
  readonly facts: readonly (readonly [name: string, value: ComponentChildren, size?: 'long'])[]
}): JSX.Element {
  return (
    <dl class="facts">
      {props.facts.map(([name, value, size]) => (
        <div key={name} class={size}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
