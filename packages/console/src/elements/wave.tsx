import { ClientError } from '@portcullis/client'
import type { FollowerReceipt, Receipts } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useNow } from '../data/now.ts'
import type { FollowedReceipts } from '../revocation/followed-receipts.ts'
import type { HeardReceipts } from '../revocation/receipts.ts'
import { timedOf } from '../revocation/verdict.ts'
import { clockTime } from '../text/format.ts'
import { texts } from '../text/texts.ts'
import { Failure } from './failure.tsx'
import { FollowerName, SoftwareName } from './follower-name.tsx'
import { Table } from './table.tsx'
import { VerdictBanner } from './verdict.tsx'
import { WaveDrawing } from './wave-drawing.tsx'

/** How one revocation travels: which follower has applied it after how long, until it is everywhere. */
export function Wave({ followed }: { readonly followed: FollowedReceipts }): JSX.Element {
  const { heard, error, isRetrying, again } = followed
  const isGone = error instanceof ClientError && error.reason === 'position-gone'
  return (
    <div class="wave">
      {(heard !== undefined || error === undefined) && <VerdictBanner heard={heard} />}
      {heard !== undefined && <Travelled heard={heard} />}
      {isGone ? (
        <p role="status">{texts.revocations.gone}</p>
      ) : (
        <Failure error={error} onRetry={again} />
      )}
      {isRetrying && (
        <p class="quiet">
          {heard !== undefined && texts.lists.shownFromBefore} {texts.revocations.reconnecting}
        </p>
      )}
    </div>
  )
}

function Travelled({ heard }: { readonly heard: HeardReceipts }): JSX.Element | null {
  const [plays, setPlays] = useState(0)
  const { receipts, isEarly } = heard
  const { applied, unknown, refusing } = receipts
  if (applied + unknown + refusing === 0) return null
  return (
    <>
      {/* It is played from when there is something to be seen. */}
      <WaveDrawing key={`${plays} ${applied > 0}`} receipts={receipts} />
      <Marks receipts={receipts} onReplay={() => setPlays(plays + 1)} />
      {!isEarly && <Silent receipts={receipts} />}
      <AsTable receipts={receipts} />
    </>
  )
}

/** What each form of dot means, and how many there are. */
function Marks(props: { readonly receipts: Receipts; readonly onReplay: () => void }): JSX.Element {
  const { receipts, onReplay } = props
  const { marks, replay } = texts.revocations
  const timeless = receipts.applied - timedOf(receipts)
  return (
    <div class="marks">
      <ul>
        {(['applied', 'unknown', 'refusing'] as const)
          .filter((state) => state === 'applied' || receipts[state] > 0)
          .map((state) => (
            <li key={state}>
              <span class={`mark ${state}`} aria-hidden="true" />
              {marks[state](receipts[state])}
            </li>
          ))}
        {timeless > 0 && <li class="quiet">{marks.timeless(timeless)}</li>}
      </ul>
      {receipts.slowestMs !== undefined && (
        <button type="button" class="bare small replay" onClick={onReplay}>
          {replay}
        </button>
      )}
    </div>
  )
}

/** Who has not said so, and from when each refuses by itself. */
function Silent({ receipts }: { readonly receipts: Receipts }): JSX.Element | null {
  const silent = receipts.followers.filter(({ state }) => state !== 'applied')
  const isLate = receipts.unknown > 0
  const now = useNow(isLate)
  if (silent.length === 0) return null
  const { revocations } = texts
  const shown = silent.slice(0, silentMax)
  const left = receipts.unknown + receipts.refusing - shown.length
  return (
    <section class={`not-heard${isLate ? ' late' : ''}`} aria-label={revocations.silent}>
      <strong aria-hidden="true">{revocations.silent}</strong>
      <ul>
        {shown.map((one) => (
          <li key={`${one.client}.${one.follower}`}>
            <span class={`mark ${one.state}`} aria-hidden="true" />
            <FollowerName {...one} />
            <span>{untilText(one, now)}</span>
            {one.reportedAt !== undefined && (
              <span class="quiet">{revocations.heardOf(clockTime(one.reportedAt))}</span>
            )}
          </li>
        ))}
      </ul>
      {left > 0 && <p>{revocations.moreSilent(left)}</p>}
    </section>
  )
}

const silentMax = 10

function untilText({ state, until }: FollowerReceipt, now: number): string {
  const { revocations } = texts
  if (until === undefined) return revocations.never
  if (state === 'refusing') return revocations.since(clockTime(until))
  const leftMs = until.getTime() - now
  if (leftMs <= 0) return revocations.untilNow(clockTime(until))
  return revocations.until(clockTime(until), revocations.countdown(leftMs))
}

function AsTable({ receipts }: { readonly receipts: Receipts }): JSX.Element {
  const { asTable, tableCaption, tableIsPart, columns, states, duration } = texts.revocations
  const { followers, applied, unknown, refusing } = receipts
  const all = applied + unknown + refusing
  const after = ({ state, afterMs }: FollowerReceipt): ComponentChildren =>
    afterMs === undefined
      ? state === 'applied'
        ? texts.revocations.noTime
        : texts.frame.none
      : duration(afterMs)
  return (
    <details>
      <summary>{asTable}</summary>
      {followers.length < all && <p class="quiet">{tableIsPart(followers.length, all)}</p>}
      <Table
        caption={tableCaption}
        items={followers}
        keyOf={({ client, follower }) => `${client}.${follower}`}
        columns={[
          { name: columns.follower, cell: (one) => <FollowerName {...one} /> },
          { name: columns.software, cell: (one) => <SoftwareName {...one} />, isMinor: true },
          { name: columns.state, cell: ({ state }) => states[state] },
          { name: columns.after, cell: after },
        ]}
      />
    </details>
  )
}
