import { countText, unitText } from '../text/format.ts'

/** Each unit in the next larger one; a number is told in the largest that divides it. */
const larger: Readonly<Record<string, readonly [count: number, unit: string]>> = {
  milliseconds: [1000, 'seconds'],
  seconds: [60, 'minutes'],
  minutes: [60, 'hours'],
  hours: [24, 'days'],
  bytes: [1024, 'KiB'],
  KiB: [1024, 'MiB'],
}

const ofIntl: Readonly<Record<string, string>> = {
  milliseconds: 'millisecond',
  seconds: 'second',
  minutes: 'minute',
  hours: 'hour',
  days: 'day',
  bytes: 'byte',
}

/** 1209600 seconds are 14 days; undefined of a plain number. */
export function amountOf(count: number, unit: string | undefined): string | undefined {
  if (unit === undefined) return undefined
  const [size, next] = larger[unit] ?? []
  if (size !== undefined && next !== undefined && count > 0 && count % size === 0) {
    return amountOf(count / size, next)
  }
  const known = ofIntl[unit]
  return known === undefined ? `${countText(count)} ${unit}` : unitText(count, known)
}
