import type { Seen } from './faults.ts'

const secondsMax = 86_400
const secondsMin = 15

/** How long services may keep the key set. */
export function faultsOfCaching(headers: Headers, where: string): readonly Seen[] {
  const field = headers.get('cache-control')
  const validator = headers.get('etag') ?? headers.get('last-modified')
  const lifetime = lifetimeFault(field)
  return [
    ...(lifetime === undefined ? [] : [{ fault: lifetime, where }]),
    ...(validator === null ? [{ fault: 'no-validator' as const, where }] : []),
  ]
}

function lifetimeFault(field: string | null): Seen['fault'] | undefined {
  if (field === null) return 'no-lifetime'
  const directives = field
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim())
  if (directives.some((directive) => directive === 'no-store' || directive === 'no-cache')) {
    return 'kept-too-short'
  }
  // RFC 9111 section 4.2.1: of several a service takes the first, or none. So each must be good.
  const lifetimes = directives.flatMap((directive) => {
    const [, seconds] = /^max-age="?([^"]*)"?$/.exec(directive) ?? []
    return seconds === undefined ? [] : [/^\d+$/.test(seconds) ? Number(seconds) : Number.NaN]
  })
  if (lifetimes.length === 0 || lifetimes.some(Number.isNaN)) return 'no-lifetime'
  if (lifetimes.some((seconds) => seconds > secondsMax)) return 'kept-too-long'
  return lifetimes.some((seconds) => seconds < secondsMin) ? 'kept-too-short' : undefined
}
