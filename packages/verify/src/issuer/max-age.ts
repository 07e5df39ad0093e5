import { ageSecondsOf } from './answer-age.ts'

const maxAgeSecondsDefault = 300
/** What an issuer gets that forbids to store its keys: they must be held to be used at all. */
const maxAgeSecondsMin = 2
/** Leaves five minutes for retries before a key set counts as too old to use. */
const maxAgeSecondsMax = 600

/**
 * How long an answer counts as fresh: `max-age` (RFC 9111 section 5.2.2.1) without the `Age` that it
 * already has when it comes out of a cache, clamped to between two seconds and ten minutes.
 *
 * Does NOT follow `must-revalidate`, which forbids to use old keys while the issuer is down: how long
 * they are used is bounded here for every issuer, and its outage is not to be one of every service.
 */
export function maxAgeSecondsOf(headers: Headers): number {
  return Math.min(Math.max(secondsLeft(headers), maxAgeSecondsMin), maxAgeSecondsMax)
}

/** Out of a cache that goes on answering it when it should not (RFC 9111 section 4.2.4). */
export function isExpired(headers: Headers): boolean {
  return ageSecondsOf(headers) > 0 && secondsLeft(headers) <= 0
}

function secondsLeft(headers: Headers): number {
  const control = headers.get('cache-control') ?? ''
  if (/(?:^|[\s,])no-(?:store|cache)\s*(?:,|$)/i.test(control)) return 0
  const directive = /(?:^|[\s,])max-age=(\d{1,10})/i.exec(control)
  const seconds = directive === null ? maxAgeSecondsDefault : Number(directive[1])
  return seconds - ageSecondsOf(headers)
}
