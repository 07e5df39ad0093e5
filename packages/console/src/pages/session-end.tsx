import type { AdministeredSession } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import type { Decision } from '../elements/decision.tsx'
import { Facts } from '../elements/facts.tsx'
import { Moment } from '../elements/moment.tsx'
import { administration, whoIs } from '../session/session.ts'
import { exactly } from '../text/format.ts'
import { texts } from '../text/texts.ts'

/** The end of one session, which is said again: of somebody with several it must be the right one. */
export function endOf(session: AdministeredSession): Decision {
  const { endTitle, endText, endRun, reasons, ownText, ownAccountText } = texts.sessions
  const { id, account } = session
  const warning = isOfThisBrowser(session) ? ownText : isOwn(session) ? ownAccountText : undefined
  return {
    title: endTitle(account.identifier),
    about: <SessionFacts session={session} />,
    explanation: endText,
    warning,
    action: endRun,
    isDangerous: true,
    usualReasons: reasons,
    run: (reason) => administration.sessions.end(id, { reason }),
  }
}

/** The one by which this page asks. */
export function isOfThisBrowser({ id }: AdministeredSession): boolean {
  return whoIs.value.kind === 'operator' && whoIs.value.account.sessionId === id
}

function isOwn({ account }: AdministeredSession): boolean {
  return whoIs.value.kind === 'operator' && whoIs.value.account.id === account.id
}

const idShown = 8

function SessionFacts({ session }: { readonly session: AdministeredSession }): JSX.Element {
  const { columns, id: idName } = texts.sessions
  const { id, network, client, createdAt, lastUsedAt } = session
  return (
    <Facts
      facts={[
        [columns.device, <span title={session.device}>{deviceOf(session)}</span>],
        [columns.network, network ?? texts.frame.none],
        [columns.signedIn, <Exact at={createdAt} />],
        [columns.lastUsed, <Exact at={lastUsedAt} />],
        [columns.client, client],
        [idName, <code title={id}>{`${id.slice(0, idShown)}…`}</code>],
      ]}
    />
  )
}

function Exact({ at }: { readonly at: Date }): JSX.Element {
  return (
    <>
      {exactly(at)}{' '}
      <span class="quiet">
        (<Moment at={at} />)
      </span>
    </>
  )
}

/** As people call it; whatever is no browser by what it calls itself. */
export function deviceOf({ device, browser, system }: AdministeredSession): string {
  const { unknownDevice, browserOn } = texts.sessions
  if (browser === undefined) return device ?? unknownDevice
  return system === undefined ? browser : browserOn(browser, system)
}
