import type { FollowerInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Pages } from '../data/pages.ts'
import { Badge } from '../elements/badge.tsx'
import { ChoiceField } from '../elements/field.tsx'
import { FleetMap } from '../elements/fleet-map.tsx'
import { FollowerName, SoftwareName } from '../elements/follower-name.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { PagedTable } from '../elements/table.tsx'
import { narrowTo, route } from '../navigation/route.ts'
import { clientName } from '../revocation/client-names.ts'
import type { Fleet } from '../revocation/fleet.ts'
import type { PlacedFollower } from '../revocation/standing.ts'
import {
  countStandings,
  isShown,
  placeFollowers,
  readPosition,
  standingKinds,
} from '../revocation/standing.ts'
import { texts } from '../text/texts.ts'

/** A dot for each, and beside them each with what it has said. */
export function FleetView({ fleet }: { readonly fleet: Fleet }): JSX.Element {
  const { followers: words } = texts.revocations
  const { query } = route.value
  const [client, shown] = [query.get('client') ?? '', query.get('show') ?? '']
  const placed = placeFollowers(fleet, Date.now())
  if (placed.length === 0) return <p>{words.none}</p>
  const fitting = placed.filter(
    ({ follower, standing }) =>
      (client === '' || (follower.client ?? words.noClient) === client) && isShown(standing, shown),
  )
  const clients = new Set(placed.map(({ follower }) => follower.client ?? words.noClient))
  return (
    <>
      <p class="fleet-summary" role="status">
        {summaryOf(placed)}
      </p>
      {fleet.isCut && <p class="quiet">{words.more(placed.length)}</p>}
      <div class="fleet">
        <FleetMap placed={placed} />
        <div class="fleet-list">
          <div class="filters">
            <ChoiceField
              label={words.ofClient}
              value={client}
              choices={[
                { value: '', text: words.showAll },
                ...[...clients].map((one) => ({ value: one, text: clientName(one) ?? one })),
              ]}
              onChoose={(value) => narrowTo({ client: value, show: shown })}
            />
            <ChoiceField
              label={words.show}
              value={shown}
              choices={choicesOf(placed)}
              onChoose={(value) => narrowTo({ client, show: value })}
            />
          </div>
          <FollowerList key={`${client} ${shown}`} placed={fitting} />
        </div>
      </div>
    </>
  )
}

/** Each with how many there are. */
function choicesOf(
  placed: readonly PlacedFollower[],
): readonly { readonly value: string; readonly text: string }[] {
  const { showAll, showTrouble, showStanding, standingNames } = texts.revocations.followers
  const counts = countStandings(placed)
  return [
    { value: '', text: showAll },
    { value: 'trouble', text: showTrouble(placed.length - counts.current) },
    ...standingKinds.map((kind) => ({
      value: kind,
      text: showStanding(standingNames[kind], counts[kind]),
    })),
  ]
}

function summaryOf(placed: readonly PlacedFollower[]): string {
  const { followers: words } = texts.revocations
  const counts = countStandings(placed)
  const troubles = (['behind', 'silent', 'elsewhere'] as const)
    .map((kind) => [kind, counts[kind]] as const)
    .filter(([, number]) => number > 0)
    .map(([kind, number]) => words[kind](number))
  const parts = troubles.length === 0 ? [words.allCurrent] : troubles
  return [words.summary(placed.length), ...parts].join(', ')
}

const itemsOfPage = 12

function FollowerList({ placed }: { readonly placed: readonly PlacedFollower[] }): JSX.Element {
  const { followers: words } = texts.revocations
  const [at, setAt] = useState(0)
  // The list may have become shorter.
  const last = Math.max(0, Math.ceil(placed.length / itemsOfPage) - 1)
  const page = Math.min(at, last)
  const items = placed.slice(page * itemsOfPage, (page + 1) * itemsOfPage)
  const pages: Pages<PlacedFollower> = {
    value: { items },
    error: undefined,
    isLoading: false,
    reload: () => undefined,
    items,
    number: page + 1,
    turnBack: page > 0 ? () => setAt(page - 1) : undefined,
    turnOn: page < last ? () => setAt(page + 1) : undefined,
  }
  return (
    <PagedTable
      caption={words.title}
      columns={columns}
      keyOf={({ follower }) => `${follower.client}.${follower.follower}`}
      pages={pages}
      empty={words.noneFit}
    />
  )
}

const { columns: names } = texts.revocations.followers
const columns: readonly Column<PlacedFollower>[] = [
  { name: names.follower, cell: ({ follower }) => <WhoFollows follower={follower} /> },
  { name: names.position, cell: (one) => <Position {...one} /> },
  { name: names.report, cell: ({ follower }) => <Report follower={follower} /> },
  { name: names.staleness, cell: ({ follower }) => stalenessText(follower) },
]

function WhoFollows({ follower }: { readonly follower: FollowerInfo }): JSX.Element {
  return (
    <span class="stacked who-follows">
      <FollowerName {...follower} />
      <span class="quiet small-print">
        <SoftwareName {...follower} />
      </span>
    </span>
  )
}

const badgeKinds = { current: 'good', behind: 'warning', silent: 'bad', elsewhere: 'bad' } as const

function Position({ follower, standing }: PlacedFollower): JSX.Element {
  const { standings, at } = texts.revocations.followers
  const seq = readPosition(follower.position)?.seq
  const text = standing.kind === 'behind' ? standings.behind(standing.by) : standings[standing.kind]
  return (
    <span class="stacked">
      <Badge kind={badgeKinds[standing.kind]}>{text}</Badge>
      {seq !== undefined && <span class="quiet small-print">{at(seq)}</span>}
    </span>
  )
}

function Report({ follower }: { readonly follower: FollowerInfo }): JSX.Element {
  const { checkpointAge } = texts.revocations.followers
  const { reportedAt, checkpointAt } = follower
  return (
    <span class="stacked">
      <Moment at={reportedAt} />
      {checkpointAt !== undefined && (
        <span class="quiet small-print">
          {checkpointAge(texts.revocations.duration(Math.max(0, +reportedAt - +checkpointAt)))}
        </span>
      )}
    </span>
  )
}

function stalenessText({ maxStalenessSeconds }: FollowerInfo): string {
  const { followers: words, duration } = texts.revocations
  return maxStalenessSeconds === undefined
    ? words.never
    : words.stale(duration(maxStalenessSeconds * 1000))
}
