/* Between moments as the API takes them and the time of whoever looks, as `datetime-local` has it. */

const minuteMs = 60_000

/** `2026-01-31T12:00` of what is an instant; empty where it is none. */
export function localText(iso: string): string {
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return ''
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * minuteMs)
  return shifted.toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length).replace(/:00$/, '')
}

/** The instant in UTC; empty where it is none. */
export function isoText(local: string): string {
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? '' : at.toISOString()
}
