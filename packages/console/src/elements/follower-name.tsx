import type { JSX } from 'preact'
import { addressOf } from '../navigation/route.ts'
import { clientName, shortFollower } from '../revocation/client-names.ts'
import { texts } from '../text/texts.ts'

/** Its client, and which of its processes: that is a new name at every start. */
export function FollowerName(props: {
  readonly client?: string
  readonly follower: string
}): JSX.Element {
  return (
    <span class="follower-name">
      <ClientLink id={props.client} />{' '}
      <code class="process quiet" title={props.follower}>
        {shortFollower(props.follower)}
      </code>
    </span>
  )
}

/** What people call it, leading to its page; its id where that is not known. */
export function ClientLink({ id }: { readonly id: string | undefined }): JSX.Element {
  if (id === undefined) return <span>{texts.revocations.followers.noClient}</span>
  const name = clientName(id)
  return name === undefined ? (
    <code>{id}</code>
  ) : (
    <a href={addressOf('clients', id)} title={id}>
      {name}
    </a>
  )
}

/** The same where no link may stand. */
export function ClientName({ id }: { readonly id: string | undefined }): JSX.Element {
  const { noClient } = texts.revocations.followers
  return <span title={id}>{id === undefined ? noClient : (clientName(id) ?? id)}</span>
}

export function SoftwareName(props: {
  readonly software?: string
  readonly version?: string
}): JSX.Element {
  const { software, version } = props
  if (software === undefined)
    return <span class="quiet">{texts.revocations.followers.noSoftware}</span>
  return (
    <span>
      {software} <span class="quiet">{version}</span>
    </span>
  )
}
