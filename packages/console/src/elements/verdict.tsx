import type { Receipts } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { tickingNow } from '../data/now.ts'
import { followerText } from '../revocation/client-names.ts'
import type { HeardReceipts } from '../revocation/receipts.ts'
import type { Verdict } from '../revocation/verdict.ts'
import { timedOf, verdictOf } from '../revocation/verdict.ts'
import { clockTime, preciseTime } from '../text/format.ts'
import { texts } from '../text/texts.ts'

/** Whether it is refused everywhere, since when, and otherwise who is late. */
export function VerdictBanner({
  heard,
}: {
  readonly heard: HeardReceipts | undefined
}): JSX.Element {
  const verdict = heard && verdictOf(heard.receipts, heard.isEarly)
  const kind = verdict?.kind ?? 'travelling'
  return (
    <div class={`verdict ${toneOf[kind]}`}>
      <span class="sign" aria-hidden="true" />
      {/* The same element all the time, and one that does not change with each receipt: it is read aloud. */}
      <p class="headline" role="status">
        {heard && verdict ? headlineOf(verdict, heard.receipts) : texts.revocations.travelling}
      </p>
      {heard && verdict && <p class="detail">{detailOf(verdict, heard.receipts)}</p>}
      {heard && <Figures receipts={heard.receipts} />}
    </div>
  )
}

const toneOf = {
  travelling: 'travelling',
  nobody: 'nobody',
  everywhere: 'good',
  'at-last': 'good',
  late: 'late',
} as const

function headlineOf(verdict: Verdict, receipts: Receipts): string {
  const { verdicts, travelling, duration } = texts.revocations
  const { applied, unknown, refusing } = receipts
  switch (verdict.kind) {
    case 'nobody':
      return verdicts.nobody
    case 'travelling':
      return travelling
    case 'everywhere':
      return verdict.withinMs === undefined
        ? verdicts.everywhere
        : verdicts.within(duration(verdict.withinMs))
    case 'at-last':
      return verdict.since === undefined
        ? verdicts.everywhere
        : verdicts.since(clockTime(verdict.since))
    case 'late': {
      const { late, only, until } = verdict
      const so = verdicts.refuseIt(applied + refusing, applied + refusing + unknown)
      const who = only === undefined ? verdicts.many(late) : followerText(only)
      const by = until && clockTime(until)
      return `${so} ${only === undefined ? verdicts.lateMany(who, by) : verdicts.lateOne(who, by)}`
    }
  }
}

/** The same in figures, so that it can be held against a log. */
function detailOf(verdict: Verdict, receipts: Receipts): string {
  const { details, duration } = texts.revocations
  const { committedAt, applied, refusing, slowestMs } = receipts
  const timed = timedOf(receipts)
  const now = tickingNow()
  const revoked = details.revoked(preciseTime(committedAt, now))
  const within = slowestMs === undefined ? undefined : duration(slowestMs)
  switch (verdict.kind) {
    case 'nobody':
      return `${revoked} ${details.nobody}`
    case 'travelling':
      return revoked
    case 'everywhere':
      return verdict.withinMs === undefined
        ? `${revoked} ${details.timeless(timed, within)}`
        : `${revoked} ${details.since(applied, preciseTime(new Date(+committedAt + verdict.withinMs), now))}`
    case 'at-last':
      return `${revoked} ${details.told(timed, within)} ${details.silent(refusing)}`
    case 'late':
      return `${revoked} ${details.told(timed, within)}`
  }
}

function Figures({ receipts }: { readonly receipts: Receipts }): JSX.Element | null {
  const { figures, duration } = texts.revocations
  const shown = [
    [figures.half, receipts.p50Ms],
    [figures.nearlyAll, receipts.p99Ms],
    [figures.slowest, receipts.slowestMs],
  ] as const
  if (receipts.slowestMs === undefined) return null
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
