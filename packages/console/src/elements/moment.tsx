import type { JSX } from 'preact'
import { texts } from '../text/texts.ts'

const exact = new Intl.DateTimeFormat(texts.language, { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(texts.language, { numeric: 'auto' })

/** A moment as people say it, and exactly where somebody points at it or copies it. */
export function Moment({ at }: { readonly at: Date | undefined }): JSX.Element {
  if (at === undefined) return <span class="quiet">{texts.frame.none}</span>
  return (
    <time dateTime={at.toISOString()} title={exactly(at)}>
      {relatively(at, Date.now())}
    </time>
  )
}

const ofDay = new Intl.DateTimeFormat(texts.language, { timeStyle: 'medium' })

/** Of what is within the hour. */
export function clockTime(at: Date): string {
  return ofDay.format(at)
}

export function exactly(at: Date): string {
  return exact.format(at)
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const
const relativeDaysMax = 30

function relatively(at: Date, nowMs: number): string {
  const seconds = (at.getTime() - nowMs) / 1000
  if (Math.abs(seconds) > relativeDaysMax * 86_400) return exactly(at)
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return relative.format(Math.round(seconds / length), unit)
}
