import type { JSX } from 'preact'
import { nameOfAccount } from '../data/account-names.ts'
import { addressOf } from '../navigation/route.ts'

/** An account of which a list has the id, by its name where it still has one. */
export function AccountName({ id }: { readonly id: string }): JSX.Element {
  const name = nameOfAccount(id)
  return name === undefined ? (
    <code>{id}</code>
  ) : (
    <a href={addressOf('accounts', id)} title={id}>
      {name}
    </a>
  )
}
