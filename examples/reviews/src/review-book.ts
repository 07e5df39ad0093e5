import { randomUUID } from 'node:crypto'
import type { SQLOutputValue } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'

export interface Review {
  readonly id: string
  readonly item: string
  readonly stars: number
  readonly text: string
  readonly createdAt: string
  /** The `sub` of whoever wrote it. */
  readonly author: string
  /** The `sub` of the moderator who removed it. */
  readonly removedBy: string | null
}

export type NewReview = Pick<Review, 'item' | 'stars' | 'text' | 'author'>

export interface ReviewBook {
  readonly ofItem: (item: string, which: 'shown' | 'removed too') => readonly Review[]
  /** Removed ones included: the author may know what became of a review. */
  readonly ofAuthor: (author: string) => readonly Review[]
  readonly add: (review: NewReview) => Review
  /** Removing twice is the same as removing once: the first moderator stays on record. */
  readonly remove: (id: string, removedBy: string) => Review | undefined
  readonly close: () => void
}

const newestMax = 100

export function openReviewBook(path: string, now: () => number = Date.now): ReviewBook {
  const database = new DatabaseSync(path)
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS reviews (
      id text PRIMARY KEY, item text NOT NULL, stars integer NOT NULL, text text NOT NULL,
      author text NOT NULL, created_at text NOT NULL, removed_by text
    ) STRICT;
    CREATE INDEX IF NOT EXISTS reviews_by_item ON reviews (item, created_at);
    CREATE INDEX IF NOT EXISTS reviews_by_author ON reviews (author, created_at);
  `)
  const columns = 'id, item, stars, text, author, created_at AS createdAt, removed_by AS removedBy'
  const select = (condition: string): ReturnType<typeof database.prepare> =>
    database.prepare(
      `SELECT ${columns} FROM reviews WHERE ${condition} ORDER BY created_at DESC LIMIT ${newestMax}`,
    )
  const shownByItem = select('item = ? AND removed_by IS NULL')
  const allByItem = select('item = ?')
  const byAuthor = select('author = ?')
  const byId = select('id = ?')
  const insert = database.prepare('INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, NULL)')
  const setRemoved = database.prepare(
    'UPDATE reviews SET removed_by = ? WHERE id = ? AND removed_by IS NULL',
  )

  return {
    ofItem: (item, which) => (which === 'shown' ? shownByItem : allByItem).all(item).map(reviewOf),
    ofAuthor: (author) => byAuthor.all(author).map(reviewOf),
    add: ({ item, stars, text, author }) => {
      const createdAt = new Date(now()).toISOString()
      const review = { id: randomUUID(), item, stars, text, createdAt, author, removedBy: null }
      insert.run(review.id, item, stars, text, author, createdAt)
      return review
    },
    remove: (id, removedBy) => {
      setRemoved.run(removedBy, id)
      const row = byId.get(id)
      return row === undefined ? undefined : reviewOf(row)
    },
    close: () => database.close(),
  }
}

/** Throws a TypeError for a row that this program has not written. */
function reviewOf(row: Readonly<Record<string, SQLOutputValue>>): Review {
  const { id, item, stars, text, createdAt, author, removedBy } = row
  if (
    typeof id !== 'string' ||
    typeof item !== 'string' ||
    typeof stars !== 'number' ||
    typeof text !== 'string' ||
    typeof createdAt !== 'string' ||
    typeof author !== 'string' ||
    (typeof removedBy !== 'string' && removedBy !== null)
  ) {
    throw new TypeError('a row of the reviews is not a review')
  }
  return { id, item, stars, text, createdAt, author, removedBy }
}
