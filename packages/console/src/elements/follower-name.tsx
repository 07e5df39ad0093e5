import type { JSX } from 'preact'
import { clientName } from '../revocation/client-names.ts'
import { texts } from '../text/texts.ts'

/** Its client, and which of its processes: that is a new name at every start. */
export function FollowerName(props: {
  readonly client?: string
  readonly follower: string
}): JSX.Element {
  return (
    <span class="follower-name">
      <ClientName id={props.client} />{' '}
      <code class="quiet" title={props.follower}>
        {props.follower.slice(0, 6)}
      </code>
    </span>
  )
}

/** What people call it; its id where that is not known. */
export function ClientName({ id }: { readonly id: string | undefined }): JSX.Element {
  if (id === undefined) return <span>{texts.revocations.followers.noClient}</span>
  return <span title={id}>{clientName(id) ?? id}</span>
}

export function SoftwareName(props: {
  readonly software?: string
  readonly version?: string
}): JSX.Element {
  const { software, version } = props
  if (software === undefined) return <span class="quiet">{texts.frame.none}</span>
  return (
    <span>
      {software} <span class="quiet">{version}</span>
    </span>
  )
}
