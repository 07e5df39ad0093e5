/** How answers tell a time of the store. */
export function instant(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString()
}

/** A moment in a query (RFC 3339); a day alone begins in UTC. */
export const momentText = {
  type: 'string',
  pattern:
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2}))?$',
} as const

/** Milliseconds since 1970. Undefined for what looks like a moment and is none, such as the 30th of February. */
export function parseMoment(text: string): number | undefined {
  const milliseconds = Date.parse(text)
  if (Number.isNaN(milliseconds)) return undefined
  const day = text.slice(0, 'YYYY-MM-DD'.length)
  // `Date.parse` goes on counting from the end of a month.
  return new Date(day).toISOString().startsWith(day) ? milliseconds : undefined
}
