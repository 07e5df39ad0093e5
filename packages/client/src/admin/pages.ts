import { requireMembers } from '../closed-options.ts'

export interface PageOptions {
  /** Up to 200, of the audit record up to 500. Default: what the issuer finds ample. */
  readonly limit?: number
  /** The `next` of the page before. */
  readonly after?: string
}

/** A part of a list. It may be shorter than was asked for, also empty, and have a next one. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next?: string
}

type QueryMembers = Readonly<Record<string, string | number | boolean | Date | undefined>>

/** A query of what is given; texts, numbers and flags as the issuer reads them, moments as RFC 3339. */
export function queryOf(members: QueryMembers, { limit, after }: PageOptions): string {
  const query = new URLSearchParams()
  const all: QueryMembers = { ...members, limit, after }
  for (const [name, value] of Object.entries(all)) {
    if (value === undefined) continue
    query.set(name, value instanceof Date ? value.toISOString() : String(value))
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

export function requirePage(page: PageOptions): void {
  requireMembers(page, 'the page', ['limit', 'after'])
}

const pageMax = 200

/** All of a list, page by page; the next is asked for when the one before was taken. */
export async function* everyItem<Item>(
  turn: (page: PageOptions) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let page = await turn({ limit: pageMax })
  yield* page.items
  while (page.next !== undefined) {
    page = await turn({ limit: pageMax, after: page.next })
    yield* page.items
  }
}
