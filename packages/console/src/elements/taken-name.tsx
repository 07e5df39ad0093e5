import type { JSX } from 'preact'

/** Who has the name already, one click away. */
export function TakenName(props: {
  readonly name: string
  readonly words: { readonly taken: (name: string) => string; readonly lookAtIt: string }
  readonly address: string
  readonly onLeave: () => void
}): JSX.Element {
  const { name, words, address, onLeave } = props
  return (
    <>
      {words.taken(name)}{' '}
      <a href={address} onClick={onLeave}>
        {words.lookAtIt}
      </a>
    </>
  )
}
