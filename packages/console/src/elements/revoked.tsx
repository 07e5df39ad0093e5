import type { ListedRevocation } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { addressOf } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { AccountName } from './account-name.tsx'
import { ClientLink } from './follower-name.tsx'

/** What was revoked, by the names that people know, leading to whose it was. */
export function Revoked({ revocation }: { readonly revocation: ListedRevocation }): JSX.Element {
  const { kind, subject, account } = revocation
  const { kindOf, ofAccount } = texts.revocations
  return (
    <span>
      {kindOf(kind)} {subject !== undefined && <Subject kind={kind} id={subject} />}
      {account !== undefined && kind !== 'account' && (
        <>
          {` ${ofAccount} `}
          <AccountName id={account} />
        </>
      )}
    </span>
  )
}

function Subject({ kind, id }: { readonly kind: string; readonly id: string }): JSX.Element {
  if (kind === 'account') return <AccountName id={id} />
  if (kind === 'client') return <ClientLink id={id} />
  if (kind !== 'key') return <ShortId id={id} />
  return (
    <a href={addressOf('keys')}>
      <ShortId id={id} />
    </a>
  )
}

/** Who has decided it: an account, or what acts without one. */
export function Decider({ id }: { readonly id: string | undefined }): JSX.Element {
  if (id === undefined) return <span class="quiet">{texts.frame.none}</span>
  const words: Readonly<Record<string, string>> = texts.audit.actors
  return words[id] === undefined ? <AccountName id={id} /> : <span>{words[id]}</span>
}

const shortMax = 14

/** Enough of it to tell it from others; the whole of it where somebody points at it. */
function ShortId({ id }: { readonly id: string }): JSX.Element {
  return (
    <code class="quiet" title={id}>
      {id.length > shortMax ? `${id.slice(0, 8)}…` : id}
    </code>
  )
}
