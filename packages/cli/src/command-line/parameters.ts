import { availableParallelism } from 'node:os'
import { InvalidArgumentError } from 'commander'

/** A moment in any zone; a day alone begins in UTC. */
export function moment(text: string): Date {
  const time = new Date(/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? text : '')
  const day = text.slice(0, 'YYYY-MM-DD'.length)
  // It would go on counting from the end of a month.
  const isDay = !Number.isNaN(time.getTime()) && new Date(day).toISOString().startsWith(day)
  if (isDay) return time
  throw new InvalidArgumentError('It must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z.')
}

/** Reads whole numbers within bounds. */
export function wholeNumber(least: number, greatest: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= greatest) return number
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${greatest}.`)
  }
}

const workersMax = 256

/** Reads how many processes; `auto` is one for each core that this one may use. */
export function workerCount(text: string): number {
  return text === 'auto' ? availableParallelism() : wholeNumber(1, workersMax)(text)
}
