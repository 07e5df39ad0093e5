import type { ListedRevocation } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { usePages } from '../data/pages.ts'
import { Moment } from '../elements/moment.tsx'
import { Decider, Revoked } from '../elements/revoked.tsx'
import type { Column } from '../elements/table.tsx'
import { PagedTable } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { positionText } from '../revocation/standing.ts'
import { administration } from '../session/session.ts'
import { exactly } from '../text/format.ts'
import { texts } from '../text/texts.ts'

const everySeconds = 5

/** What is revoked now, each with the way to its wave. */
export function RecentRevocations(): JSX.Element {
  const { recent } = texts.revocations
  const pages = usePages('revocations', (page) => administration.revocations.page(page), {
    everySeconds,
  })
  return (
    <PagedTable
      caption={recent.title}
      columns={columns}
      keyOf={({ position }) => positionText(position)}
      pages={pages}
      empty={recent.none}
    />
  )
}

const { columns: names } = texts.revocations.recent
const columns: readonly Column<ListedRevocation>[] = [
  { name: names.at, cell: ({ committedAt }) => <Moment at={committedAt} /> },
  { name: names.what, cell: (one) => <Revoked revocation={one} /> },
  { name: names.reason, cell: whyText },
  {
    name: names.actor,
    cell: ({ actor }) => <Decider id={actor} />,
    isMinor: true,
  },
  { name: names.wave, cell: (one) => <WaveLink revocation={one} /> },
]

function whyText({ reason, cause }: ListedRevocation): string {
  const known = cause === undefined ? undefined : (texts.audit.kinds[cause] ?? cause)
  return reason ?? known ?? texts.frame.none
}

function WaveLink({ revocation }: { readonly revocation: ListedRevocation }): JSX.Element {
  const { seeWave, recent, kindOf } = texts.revocations
  const { kind, position, committedAt } = revocation
  return (
    <a
      href={addressOf('revocations', positionText(position))}
      aria-label={`${seeWave}: ${recent.seen(kindOf(kind), exactly(committedAt))}`}
    >
      {seeWave}
    </a>
  )
}
