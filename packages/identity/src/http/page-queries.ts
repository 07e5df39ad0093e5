/*
 * How accounts and sessions are asked for page by page: `limit` and `after`. What a page ends with is a time and an id,
 * which say where the next one begins whatever was added or taken away meanwhile. It is read as strictly as it is
 * written. Clients go by their names, and the audit record by its own numbers, of which a page may have more.
 */

/** Of lists that a person has. */
export const shortPageLimit = { type: 'string', pattern: '^([1-9][0-9]?|100)$' } as const

/** Of accounts, sessions and clients for administrators: up to 200. */
export const longPageLimit = { type: 'string', pattern: '^([1-9][0-9]?|1[0-9]{2}|200)$' } as const

export const pageCursor = {
  type: 'string',
  pattern: '^[0-9]{1,15}\\.[A-Za-z0-9_-]{22}$',
} as const

/** Ample for a person; somebody with more can turn the page. */
const pageLimitDefault = 50

export function limitOf({ limit }: { readonly limit?: string | undefined }): number {
  return Number(limit ?? pageLimitDefault)
}

export interface Cursor {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly id: string
}

/** Of a text that fits the schema. */
export function parseCursor(text: string | undefined): Cursor | undefined {
  const [at, id] = text?.split('.') ?? []
  return id === undefined ? undefined : { at: Number(at), id }
}

/** The member that says where the next page begins, where there is one. */
export function nextMember(next: Cursor | undefined): { readonly next?: string } {
  return next === undefined ? {} : { next: `${next.at}.${next.id}` }
}
