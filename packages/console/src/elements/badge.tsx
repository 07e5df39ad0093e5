import type { ComponentChildren, JSX } from 'preact'
import { texts } from '../text/texts.ts'

export type BadgeKind = 'plain' | 'good' | 'warning' | 'bad'

/** A word about a state; its colour says nothing that the word does not. */
export function Badge(props: {
  readonly kind?: BadgeKind
  readonly children: ComponentChildren
}): JSX.Element {
  return <span class={`badge ${props.kind ?? 'plain'}`}>{props.children}</span>
}

export function Badges({ values }: { readonly values: readonly string[] }): JSX.Element {
  if (values.length === 0) return <span class="quiet">{texts.frame.none}</span>
  return (
    <span class="badges">
      {values.map((value) => (
        <Badge key={value}>{value}</Badge>
      ))}
    </span>
  )
}
