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
  const [, seconds] = /(?:^|[\s,])max-age=(\d+)/.exec(field.toLowerCase()) ?? []
  if (seconds === undefined) return 'no-lifetime'
  if (Number(seconds) > secondsMax) return 'kept-too-long'
  return Number(seconds) < secondsMin ? 'kept-too-short' : undefined
}
