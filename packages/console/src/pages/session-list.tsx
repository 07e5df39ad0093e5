import type { AdministeredSession, SessionFilter } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { usePages } from '../data/pages.ts'
import { Badge } from '../elements/badge.tsx'
import type { Decision } from '../elements/decision.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import { Moment } from '../elements/moment.tsx'
import { PagedTable } from '../elements/table.tsx'
import type { Column } from '../elements/table.tsx'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

/** Sessions that fit, each with the way to end it. */
export function SessionList(props: {
  readonly caption: string
  readonly filter: SessionFilter
}): JSX.Element {
  const { caption, filter } = props
  const [chosen, setChosen] = useState<AdministeredSession>()
  const pages = usePages(`sessions ${JSON.stringify(filter)}`, (page) =>
    administration.sessions.page(filter, page),
  )
  return (
    <>
      <PagedTable
        caption={caption}
        columns={columnsWith(setChosen)}
        keyOf={({ id }) => id}
        pages={pages}
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

function endOf({ id, account }: AdministeredSession): Decision {
  const { endTitle, endText, endRun, stolen } = texts.sessions
  return {
    title: endTitle(account.identifier),
    explanation: endText,
    action: endRun,
    isDangerous: true,
    usualReason: stolen,
    run: (reason) => administration.sessions.end(id, { reason }),
  }
}

function columnsWith(
  onEnd: (session: AdministeredSession) => void,
): readonly Column<AdministeredSession>[] {
  const { columns: names, ended, end } = texts.sessions
  return [
    {
      name: names.account,
      cell: ({ account }) => <a href={addressOf('accounts', account.id)}>{account.identifier}</a>,
    },
    {
      name: names.device,
      cell: (session) => <span title={session.device}>{deviceOf(session)}</span>,
    },
    { name: names.network, cell: ({ network }) => network ?? texts.frame.none, isShort: true },
    { name: names.client, cell: ({ client }) => client, isMinor: true, isShort: true },
    { name: names.signedIn, cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { name: names.lastUsed, cell: ({ lastUsedAt }) => <Moment at={lastUsedAt} />, isMinor: true },
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

/** As people call it; whatever is no browser by what it calls itself. */
function deviceOf({ device, browser, system }: AdministeredSession): string {
  const { unknownDevice, browserOn } = texts.sessions
  if (browser === undefined) return device ?? unknownDevice
  return system === undefined ? browser : browserOn(browser, system)
}
