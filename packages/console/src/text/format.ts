import { texts } from './texts.ts'

/* Moments and numbers, in the language of the texts; moments in the time of whoever looks. */

const { language } = texts
const counts = new Intl.NumberFormat(language)
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
const exact = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long' })
const toSeconds = new Intl.DateTimeFormat(language, { timeStyle: 'medium' })
const toMinutes = new Intl.DateTimeFormat(language, { timeStyle: 'short' })

/** Whose time it is that moments are shown in. */
export const zoneName: string = toMinutes.resolvedOptions().timeZone

export function countText(count: number): string {
  return counts.format(count)
}

/** With the zone. */
export function exactly(at: Date): string {
  return exact.format(at)
}

/** Of what is within the hour. */
export function clockTime(at: Date): string {
  return toSeconds.format(at)
}

const precise = {
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
} as const
const preciseOfDay = new Intl.DateTimeFormat(language, precise)
const preciseOfYear = new Intl.DateTimeFormat(language, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  ...precise,
})

export function isSameDay(at: Date, nowMs: number): boolean {
  return at.toDateString() === new Date(nowMs).toDateString()
}

/** To the millisecond, and of another day than today with that. */
export function preciseTime(at: Date, nowMs: number): string {
  return (isSameDay(at, nowMs) ? preciseOfDay : preciseOfYear).format(at)
}

export function minuteTime(at: Date): string {
  return toMinutes.format(at)
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const
const relativeDaysMax = 30

export function relatively(at: Date, nowMs: number): string {
  const seconds = (at.getTime() - nowMs) / 1000
  if (Math.abs(seconds) > relativeDaysMax * 86_400) return exactly(at)
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return relative.format(Math.round(seconds / length), unit)
}

const narrow = new Intl.RelativeTimeFormat(language, { numeric: 'always', style: 'narrow' })

/** A length of time from now, in few letters: `in 10m`. */
export function spanText(count: number, unit: 'minute' | 'hour' | 'day'): string {
  return narrow.format(count, unit)
}

/** `14 days`. */
export function unitText(count: number, unit: string): string {
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(count)
}
