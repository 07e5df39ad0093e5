import type { JSX } from 'preact'
import { tickingNow } from '../data/now.ts'
import { clockTime, exactly, isSameDay, relatively } from '../text/format.ts'
import { texts } from '../text/texts.ts'

/** A moment as people say it, and exactly where somebody points at it or copies it. */
export function Moment({ at }: { readonly at: Date | undefined }): JSX.Element {
  if (at === undefined) return <span class="quiet">{texts.frame.none}</span>
  return (
    <time dateTime={at.toISOString()} title={exactly(at)}>
      {relatively(at, tickingNow())}
    </time>
  )
}

/** When it was by the clock, and of another day the day too. */
export function ClockMoment({ at }: { readonly at: Date }): JSX.Element {
  return (
    <time dateTime={at.toISOString()} title={exactly(at)}>
      {isSameDay(at, tickingNow()) ? clockTime(at) : exactly(at)}
    </time>
  )
}
