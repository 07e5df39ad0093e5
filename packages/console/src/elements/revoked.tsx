import type { ListedRevocation } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { addressOf } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'

/** What was revoked, leading to whose it was. */
export function Revoked({ revocation }: { readonly revocation: ListedRevocation }): JSX.Element {
  const { kind, subject, account } = revocation
  const { kindOf, recent } = texts.revocations
  const owner = kind === 'account' ? subject : account
  return (
    <span>
      {kindOf(kind)} {subject !== undefined && kind !== 'account' && <ShortId id={subject} />}
      {owner !== undefined && (
        <>
          {kind !== 'account' && ` ${recent.ofAccount} `}
          <a href={addressOf('accounts', owner)}>
            <ShortId id={owner} />
          </a>
        </>
      )}
    </span>
  )
}

const shortMax = 14

/** Enough of it to tell it from others; the whole of it where somebody points at it. */
export function ShortId({ id }: { readonly id: string }): JSX.Element {
  return <code title={id}>{id.length > shortMax ? `${id.slice(0, 8)}…` : id}</code>
}
