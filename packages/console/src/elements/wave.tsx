import type { RevocationPosition } from '@portcullis/client'
import { ClientError } from '@portcullis/client'
import type { FollowerReceipt, Receipts } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useNow } from '../data/now.ts'
import { useClientNames } from '../revocation/client-names.ts'
import { useReceipts } from '../revocation/receipts.ts'
import { texts } from '../text/texts.ts'
import { Failure } from './failure.tsx'
import { FollowerName, SoftwareName } from './follower-name.tsx'
import { clockTime } from './moment.tsx'
import { Table } from './table.tsx'
import { WaveDrawing } from './wave-drawing.tsx'

/** How one revocation travels: which follower has applied it after how long, until it is everywhere. */
export function Wave({ position }: { readonly position: RevocationPosition }): JSX.Element {
  useClientNames()
  const { receipts, error, isRetrying, again } = useReceipts(position)
  const isGone = error instanceof ClientError && error.reason === 'position-gone'
  return (
    <div class="wave">
      {receipts === undefined && error === undefined && (
        <p class="verdict" role="status">
          {texts.revocations.waiting}
        </p>
      )}
      {receipts !== undefined && <Travelled receipts={receipts} />}
      {isGone ? (
        <p role="status">{texts.revocations.gone}</p>
      ) : (
        <Failure error={error} onRetry={again} />
      )}
      {isRetrying && (
        <p class="quiet">
          {receipts !== undefined && texts.lists.shownFromBefore} {texts.revocations.reconnecting}
        </p>
      )}
    </div>
  )
}

function Travelled({ receipts }: { readonly receipts: Receipts }): JSX.Element {
  const [plays, setPlays] = useState(0)
  const { isEverywhere, applied, unknown, refusing } = receipts
  const isNobody = applied + unknown + refusing === 0
  return (
    <>
      <p class="verdict" role="status">
        {isEverywhere && <span class="tick" aria-hidden="true" />}
        {verdictOf(receipts)}
      </p>
      {!isNobody && (
        <>
          <Figures receipts={receipts} />
          <WaveDrawing key={plays} receipts={receipts} />
          <Marks receipts={receipts} onReplay={() => setPlays(plays + 1)} />
          <Stragglers receipts={receipts} />
          <AsTable receipts={receipts} />
        </>
      )}
    </>
  )
}

function verdictOf({ isEverywhere, slowestMs, applied, unknown, refusing }: Receipts): string {
  const { revocations } = texts
  if (!isEverywhere)
    return applied === 0 ? revocations.waiting : revocations.partly(applied, unknown)
  if (applied + refusing === 0) return revocations.everywhereNobody
  if (applied === 0) return revocations.everywhereRefusing(refusing)
  return revocations.everywhere(slowestMs ?? 0)
}

function Figures({ receipts }: { readonly receipts: Receipts }): JSX.Element | null {
  const { figures, duration } = texts.revocations
  const shown = [
    [figures.half, receipts.p50Ms],
    [figures.nearlyAll, receipts.p99Ms],
    [figures.slowest, receipts.slowestMs],
  ] as const
  if (receipts.applied === 0) return null
  return (
    <dl class="figures">
      {shown.map(([name, ms]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{ms === undefined ? texts.frame.none : duration(ms)}</dd>
        </div>
      ))}
    </dl>
  )
}

/** What each form of dot means, and how many there are. */
function Marks(props: { readonly receipts: Receipts; readonly onReplay: () => void }): JSX.Element {
  const { receipts, onReplay } = props
  const { marks, replay } = texts.revocations
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
      </ul>
      <button type="button" class="bare small replay" onClick={onReplay}>
        {replay}
      </button>
    </div>
  )
}

function Stragglers({ receipts }: { readonly receipts: Receipts }): JSX.Element | null {
  const stragglers = receipts.followers.filter(({ state }) => state === 'unknown')
  const now = useNow(stragglers.length > 0)
  if (stragglers.length === 0) return null
  const { revocations } = texts
  const shown = stragglers.slice(0, stragglersMax)
  return (
    <section class="stragglers">
      <h3>{revocations.stragglers}</h3>
      <ul>
        {shown.map((one) => (
          <li key={`${one.client}.${one.follower}`}>
            <FollowerName {...one} /> <span class="quiet">{untilText(one, now)}</span>
          </li>
        ))}
      </ul>
      {receipts.unknown > shown.length && (
        <p class="quiet">{revocations.moreStragglers(receipts.unknown - shown.length)}</p>
      )}
    </section>
  )
}

const stragglersMax = 10

function untilText({ until }: FollowerReceipt, now: number): string {
  const { revocations } = texts
  if (until === undefined) return revocations.never
  const leftMs = until.getTime() - now
  if (leftMs <= 0) return revocations.untilNow(clockTime(until))
  // Whole seconds: it is a countdown.
  const left = revocations.duration(Math.ceil(leftMs / 1000) * 1000)
  return revocations.until(clockTime(until), left)
}

function AsTable({ receipts }: { readonly receipts: Receipts }): JSX.Element {
  const { asTable, tableCaption, tableIsPart, columns, states, duration } = texts.revocations
  const { followers, applied, unknown, refusing } = receipts
  const all = applied + unknown + refusing
  const after = ({ afterMs }: FollowerReceipt): ComponentChildren =>
    afterMs === undefined ? texts.frame.none : duration(afterMs)
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
