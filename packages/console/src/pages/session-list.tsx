import type { AdministeredSession, SessionFilter } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { accountMeant } from '../data/named.ts'
import { usePages } from '../data/pages.ts'
import { Badge } from '../elements/badge.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Moment } from '../elements/moment.tsx'
import { PagedTable } from '../elements/table.tsx'
import type { Column } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { deviceOf, endOf, isOfThisBrowser } from './session-end.tsx'

/** Sessions that fit, each with the way to end it. */
export function SessionList(props: {
  readonly caption: string
  readonly filter: SessionFilter
  /** Whose: what somebody has typed of a name, or an id. */
  readonly of?: string
  readonly empty?: string
}): JSX.Element {
  const { caption, filter, of = '', empty = texts.sessions.none } = props
  const [chosen, setChosen] = useState<AdministeredSession>()
  const pages = usePages(`sessions ${of} ${JSON.stringify(filter)}`, async (page) => {
    const whose = of === '' ? {} : { account: await accountMeant(of) }
    return administration.sessions.page({ ...filter, ...whose }, page)
  })
  return (
    <>
      <PagedTable
        caption={caption}
        columns={columnsWith(setChosen)}
        keyOf={({ id }) => id}
        pages={pages}
        empty={empty}
      />
      {chosen !== undefined && (
        <DecisionDialog
          decision={endOf(chosen)}
          onClose={(isDone) => {
            setChosen(undefined)
            if (isDone) pages.reload()
          }}
        />
      )}
    </>
  )
}

function columnsWith(
  onEnd: (session: AdministeredSession) => void,
): readonly Column<AdministeredSession>[] {
  const { columns: names, ended, end, thisBrowser } = texts.sessions
  return [
    {
      name: names.account,
      cell: (session) => (
        <span class="badges">
          <a href={addressOf('accounts', session.account.id)}>{session.account.identifier}</a>
          {isOfThisBrowser(session) && <Badge>{thisBrowser}</Badge>}
        </span>
      ),
    },
    {
      name: names.device,
      cell: (session) => <span title={session.device}>{deviceOf(session)}</span>,
    },
    { name: names.network, cell: ({ network }) => network ?? texts.frame.none, isShort: true },
    { name: names.client, cell: ({ client }) => client, isShort: true },
    { name: names.signedIn, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { name: names.lastUsed, cell: ({ lastUsedAt }) => <Moment at={lastUsedAt} /> },
    {
      name: names.actions,
      cell: (session) =>
        session.isLive ? (
          <button type="button" class="danger small" onClick={() => onEnd(session)}>
            {end}
          </button>
        ) : (
          <Badge>{ended}</Badge>
        ),
    },
  ]
}
