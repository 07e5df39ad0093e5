import type { JSX } from 'preact'
import { groupOf } from '../revocation/lanes.ts'
import type { PlacedFollower } from '../revocation/standing.ts'
import { texts } from '../text/texts.ts'
import { ClientName, SoftwareName } from './follower-name.tsx'

/** Everybody who follows as a dot, by client and software; the list beside it says the same in words. */
export function FleetMap({ placed }: { readonly placed: readonly PlacedFollower[] }): JSX.Element {
  const groups = Map.groupBy(placed, ({ follower }) => groupOf(follower))
  const sorted = [...groups].toSorted(([one], [other]) => one.localeCompare(other))
  return (
    // It scrolls where it is long: also by the keyboard.
    <section class="fleet-map" tabIndex={0} aria-label={texts.revocations.followers.groups}>
      <ul>
        {sorted.map(([key, members]) => (
          <Group key={key} members={members} />
        ))}
      </ul>
    </section>
  )
}

function Group({ members }: { readonly members: readonly PlacedFollower[] }): JSX.Element {
  const { followers: words } = texts.revocations
  const first = members[0]?.follower
  const off = members.filter(({ standing }) => standing.kind !== 'current').length
  const state = off === 0 ? words.allCurrent : words.notCurrent(off)
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
        <span class="quiet" aria-label={`${members.length}, ${state}`}>
          {members.length.toLocaleString(texts.language)}
        </span>
      </p>
      <div class={`dots ${sizeOf(members.length)}`} aria-hidden="true">
        {members.map(({ follower, standing }) => (
          <i
            key={follower.follower}
            class={standing.kind}
            title={`${follower.follower.slice(0, 6)}: ${standingText(standing)}`}
          />
        ))}
      </div>
    </li>
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
