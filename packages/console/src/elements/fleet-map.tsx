import type { JSX } from 'preact'
import { clientName, followerText, shortFollower } from '../revocation/client-names.ts'
import { groupOf } from '../revocation/lanes.ts'
import type { PlacedFollower } from '../revocation/standing.ts'
import { countText } from '../text/format.ts'
import { texts } from '../text/texts.ts'
import { ClientName, SoftwareName } from './follower-name.tsx'

/** Everybody who follows as a dot, by client and software; the list beside it says the same in words. */
export function FleetMap({ placed }: { readonly placed: readonly PlacedFollower[] }): JSX.Element {
  const groups = Map.groupBy(placed, ({ follower }) => groupOf(follower))
  const sorted = [...groups].toSorted(([one], [other]) =>
    labelOf(one).localeCompare(labelOf(other)),
  )
  return (
    // It scrolls where it is long: also by the keyboard.
    <section class="fleet-map" tabIndex={0} aria-label={texts.revocations.followers.groups}>
      <ul>
        {sorted.map(([key, members]) => (
          <Group key={key} members={members} isNamed={placed.length <= namedMax} />
        ))}
      </ul>
    </section>
  )
}

/** A group begins with its client. */
function labelOf(group: string): string {
  const [client = ''] = group.split(' ')
  return group.replace(client, clientName(client) ?? client)
}

/** Of so many each has room for its name. */
const namedMax = 24

function Group(props: {
  readonly members: readonly PlacedFollower[]
  readonly isNamed: boolean
}): JSX.Element {
  const { members, isNamed } = props
  const { followers: words } = texts.revocations
  const first = members[0]?.follower
  const off = members.filter(({ standing }) => standing.kind !== 'current')
  const rest = members.filter(({ standing }) => standing.kind === 'current')
  return (
    <li>
      <p class="group-name">
        <span>
          <ClientName id={first?.client} />{' '}
          {first?.software !== undefined && (
            <small class="quiet">
              <SoftwareName {...first} />
            </small>
          )}
        </span>
        <span class="quiet">{countText(members.length)}</span>
      </p>
      {/* Who needs looking at is as large as there is room for, however many the others are. */}
      {off.length > 0 && <p class="off">{words.notCurrent(off.length)}</p>}
      <Dots members={off} isNamed={isNamed} />
      <Dots members={rest} isNamed={isNamed} />
    </li>
  )
}

function Dots(props: {
  readonly members: readonly PlacedFollower[]
  readonly isNamed: boolean
}): JSX.Element | null {
  const { members, isNamed } = props
  if (members.length === 0) return null
  return (
    <div class={`dots ${isNamed ? 'named' : sizeOf(members.length)}`} aria-hidden="true">
      {members.map(({ follower, standing }) => {
        const dot = (
          <i
            key={follower.follower}
            class={standing.kind}
            title={`${followerText(follower)}: ${standingText(standing)}`}
          />
        )
        if (!isNamed) return dot
        return (
          <span key={follower.follower}>
            {dot} <code>{shortFollower(follower.follower)}</code>
          </span>
        )
      })}
    </div>
  )
}

function standingText(standing: PlacedFollower['standing']): string {
  const { standings } = texts.revocations.followers
  return standing.kind === 'behind' ? standings.behind(standing.by) : standings[standing.kind]
}

const roomyMax = 60
const closeMax = 150

function sizeOf(count: number): 'roomy' | 'close' | 'dense' {
  if (count <= roomyMax) return 'roomy'
  return count <= closeMax ? 'close' : 'dense'
}
